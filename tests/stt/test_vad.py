"""Voice or no voice, and when."""

import asyncio

import numpy as np
import pytest

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from parley.errors import BadInput
from services.stt import vad
from services.stt.contract import Lull, SpeechStarted, SpeechStopped
from services.stt.silero import WINDOW_MS, Lane, Rows, load
from services.stt.vad import Detector
from testbed.patience import PATIENCE_S
from testbed.vendors import mulaw
from testbed.vendors.wordcodec import render
from tests.stt.line import noise, silence, spoken

Edge = SpeechStarted | SpeechStopped


class Listener:
    """Collects a track's edges; `past(ms)` waits until the audio was listened to so far."""

    def __init__(self, detector: Detector, audio: AudioFormat = TELEPHONE, offset_ms: int = 0) -> None:
        self.edges: list[Edge] = []
        self.lulls: list[int] = []
        self.now = offset_ms
        self._news = asyncio.Event()
        self.track = detector.listen(audio, offset_ms, self._report)

    def _report(self, now_ms: int, edge: Edge | Lull | None) -> None:
        self.now = now_ms
        if isinstance(edge, Lull):
            self.lulls.append(edge.offset_ms)
        elif edge is not None:
            self.edges.append(edge)
        self._news.set()

    async def past(self, ms: int) -> list[Edge]:
        async with asyncio.timeout(PATIENCE_S):
            while self.now < ms - WINDOW_MS:
                self._news.clear()
                await self._news.wait()
        return self.edges


async def test_a_sentence_starts_and_stops_where_it_sounds(detector: Detector) -> None:
    words = render("Where is my order 1234?").words
    call = Listener(detector)
    call.track.push(spoken("Where is my order 1234?", after_ms=800, before_ms=1000))
    started, stopped = await call.past(int(1000 + words[-1].end_ms + 800))
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert 960 <= started.offset_ms <= 1100
    assert abs(stopped.offset_ms - 1000 - words[-1].end_ms) < 160
    assert call.lulls[-1] == stopped.offset_ms  # the end was told of as a possible one before


async def test_offsets_are_leg_time(detector: Detector) -> None:
    call = Listener(detector, offset_ms=60_000)
    call.track.push(spoken("Hello there", after_ms=500))
    edges = await call.past(61_000)
    assert 60_000 <= edges[0].offset_ms < 60_200


async def test_the_browsers_audio_is_heard_too(detector: Detector) -> None:
    pcm = np.concatenate([np.zeros(8000, np.int16), render("Hello there", rate=16000).pcm, np.zeros(12000, np.int16)])
    call = Listener(detector, BROWSER)
    call.track.push(pcm.tobytes())
    edges = await call.past(len(pcm) // 16)
    assert [type(e) for e in edges] == [SpeechStarted, SpeechStopped]
    assert 450 <= edges[0].offset_ms <= 620


@pytest.mark.parametrize("level", [0, 50, 300])
async def test_noise_is_no_voice(detector: Detector, level: float) -> None:
    call = Listener(detector)
    call.track.push(noise(5000, level))
    assert await call.past(5000) == []


async def test_frames_may_be_cut_anywhere(detector: Detector) -> None:
    audio = spoken("Where is my order 1234?", after_ms=800, before_ms=500)
    whole, cut = Listener(detector), Listener(detector)
    whole.track.push(audio)
    for at in range(0, len(audio), 97):
        cut.track.push(audio[at : at + 97])
    assert await cut.past(len(audio) // 8) == await whole.past(len(audio) // 8)


def test_a_batch_says_what_each_call_alone_would_hear() -> None:
    session = load()
    rng = np.random.default_rng(5)
    calls = [
        (render(text).pcm.astype(np.float64)[:24000] + rng.normal(0, 60, min(24000, len(render(text).pcm)))).astype(
            "<i2"
        )
        for text in (
            "Where is my order 1234?",
            "I would like to cancel my booking",
            "Yes please, that is right, thanks",
        )
    ]
    audio = AudioFormat("pcm_s16le", 8000)
    together, alone = Rows(session, audio), Rows(session, audio)
    windows = [[c[i - 32 : i + 256].tobytes() for i in range(32, len(c) - 255, 256)] for c in calls]
    lanes = [together.new_lane() for _ in calls]
    batched: list[list[float]] = [[] for _ in calls]
    for turn in range(max(map(len, windows))):
        now = [i for i in range(len(calls)) if turn < len(windows[i])]
        found, _ = together.run([lanes[i] for i in now], [windows[i][turn] for i in now])
        for i, p in zip(now, found, strict=True):
            batched[i].append(p)
    for i in range(len(calls)):
        lane = alone.new_lane()
        single = [alone.run([lane], [window])[0][0] for window in windows[i]]
        assert batched[i] == pytest.approx(single, abs=1e-4)
        assert max(single) > 0.9


@pytest.mark.parametrize("level", [0, 30, 150])
async def test_windows_like_noise_are_skipped_and_the_same_speech_is_heard(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, level: float
) -> None:
    speech = [render(text).pcm for text in ("Hello there", "Where is my order?", "Yes please")]
    pcm = np.concatenate([piece for said in speech for piece in (np.zeros(24000, np.int16), said)] + [np.zeros(8000)])
    audio = mulaw.from_pcm((pcm + np.random.default_rng(3).normal(0, level, len(pcm))).astype(np.int16))
    asked: list[int] = []
    whole: list[list[Edge]] = []
    run = Rows.run

    def counted(rows: Rows, lanes: list[Lane], windows: list[bytes]) -> tuple[list[float], list[float]]:
        asked.append(len(windows))
        return run(rows, lanes, windows)

    monkeypatch.setattr(Rows, "run", counted)
    for skipping in (True, False):
        if not skipping:
            monkeypatch.setattr(vad, "CALM", 0.0)
            asked.clear()
        call = Listener(detector)
        call.track.push(audio)
        whole.append(await call.past(len(audio) // 8))
        if skipping:
            assert sum(asked) < 0.5 * len(audio) / 256
    skipped, full = whole
    assert [type(e) for e in skipped] == [type(e) for e in full] == [SpeechStarted, SpeechStopped] * 3
    assert all(abs(a.offset_ms - b.offset_ms) <= 200 for a, b in zip(skipped, full, strict=True))


@pytest.mark.parametrize("quiet_ms", [0, 96, 320, 3200])
async def test_the_model_hears_what_was_before_a_sound_and_nobody_is_told_of_it_twice(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, quiet_ms: int
) -> None:
    asked: list[bytes] = []
    told: list[int] = []
    run = Rows.run

    def watched(rows: Rows, lanes: list[Lane], windows: list[bytes]) -> tuple[list[float], list[float]]:
        asked.extend(windows)
        return run(rows, lanes, windows)

    monkeypatch.setattr(Rows, "run", watched)
    hush = np.random.default_rng(2).normal(0, 20, quiet_ms * 16).astype("<i2").tobytes()
    word = render("Hello there", rate=16000).pcm
    call = Listener(detector, BROWSER)
    report = call.track._report

    def noted(now_ms: int, edge: Edge | Lull | None) -> None:
        told.append(now_ms)
        report(now_ms, edge)

    monkeypatch.setattr(call.track, "_report", noted)
    sound = hush + word.tobytes()
    for at in range(0, len(sound), 640):
        call.track.push(sound[at : at + 640])
    await call.past(len(sound) // 32)
    before = min(quiet_ms // WINDOW_MS, vad.BEFORE)
    assert [window[128:] for window in asked[:before]] == [
        hush[at : at + 1024] for at in range(len(hush) - before * 1024, len(hush), 1024)
    ]
    assert told == sorted(set(told))
    assert told == list(range(WINDOW_MS, told[-1] + 1, WINDOW_MS))


async def test_a_minute_of_replayed_audio_is_caught_up_with_in_a_second(detector: Detector) -> None:
    call = Listener(detector)
    audio = noise(57_000, 100) + spoken("Hello there", after_ms=1000)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    call.track.push(audio)
    edges = await call.past(len(audio) // 8)
    assert loop.time() - begin < 2
    assert [type(e) for e in edges] == [SpeechStarted, SpeechStopped]
    assert abs(edges[0].offset_ms - 57_000) < 150


async def test_over_the_bound_the_oldest_windows_go_and_are_counted(detector: Detector) -> None:
    before = vad.DROPPED._value.get()
    call = Listener(detector)
    call.track.push(silence(vad.PENDING_MS + 3200))
    await call.past(vad.PENDING_MS + 3200)
    assert vad.DROPPED._value.get() - before == 100
    assert call.now == vad.PENDING_MS + 3200


async def test_a_closed_track_tells_nothing_more_and_its_row_starts_afresh(detector: Detector) -> None:
    first = Listener(detector)
    first.track.push(spoken("Hello there"))
    first.track.close()
    second = Listener(detector)
    assert second.track.lane.row == first.track.lane.row
    second.track.push(spoken("Hello there", after_ms=600, before_ms=500))
    edges = await second.past(1500)
    assert 450 < edges[0].offset_ms < 620
    assert first.edges == []


async def test_fifty_calls_are_told_apart(detector: Detector) -> None:
    calls = [Listener(detector) for _ in range(50)]
    audio = [spoken("Hello there", after_ms=700, before_ms=100 + 40 * n) for n in range(50)]
    for at in range(0, max(map(len, audio)), 480):
        for call, said in zip(calls, audio, strict=True):
            call.track.push(said[at : at + 480])
    for n, (call, said) in enumerate(zip(calls, audio, strict=True)):
        edges = await call.past(len(said) // 8)
        assert [type(e) for e in edges] == [SpeechStarted, SpeechStopped]
        assert abs(edges[0].offset_ms - 100 - 40 * n) < 100


async def test_a_model_that_raises_is_counted_and_heard_as_silence(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = vad.FAILED._value.get()
    monkeypatch.setattr(Rows, "run", lambda *_: (_ for _ in ()).throw(RuntimeError("no memory")))
    call = Listener(detector)
    call.track.push(spoken("Hello"))
    await call.past(300)
    assert call.edges == []
    assert vad.FAILED._value.get() > before


async def test_a_rate_the_model_does_not_know_is_refused(detector: Detector) -> None:
    with pytest.raises(BadInput, match="format.sample_rate_hz: 44100; use 8000 or 16000"):
        detector.listen(AudioFormat("pcm_s16le", 44100), 0, lambda *_: None)
