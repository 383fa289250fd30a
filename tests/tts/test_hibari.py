"""The natural English voice, for real: hibari's network in its own process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import psutil
import pytest
import pytest_asyncio

from parley.audio import BROWSER, TELEPHONE, TELEPHONE_ALAW, AudioFormat, to_pcm
from parley.engines import Engine
from parley.errors import AtCapacity, BadInput, Misconfigured, VendorLost
from parley.text.words import units
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.hibari.passages import passages
from services.tts.local import pipe
from services.tts.providers import hibari as provider
from services.tts.providers.hibari import Hibari
from services.tts.synthesis import Synthesis
from tests.tts.line import ANSWER, Heard, Line, config, service, settings, text
from tests.tts.test_falling_over import Drone

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = "This sentence is spoken again and again, without an end in sight, and nobody listens. " * 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line() -> AsyncIterator[Line]:
    """One running service for all tests here that do it no harm."""
    async with service(settings(PARLEY_TTS="hibari")) as running:
        yield running


def hibari_of(line: Line) -> Hibari:
    its = line.synthesis.engines[0].provider
    assert isinstance(its, Hibari)
    return its


def pcm(heard: Heard) -> np.ndarray:
    return to_pcm(heard.audio, heard.format.encoding).astype(np.float64) / 32768


def levels(heard: Heard, window_ms: int = 10) -> np.ndarray:
    """RMS of each window."""
    size = heard.format.rate * window_ms // 1000
    sound = pcm(heard)
    return np.asarray(np.sqrt(np.mean(sound[: len(sound) // size * size].reshape(-1, size) ** 2, axis=1)))


def voiced_db(heard: Heard) -> float:
    windows = levels(heard)
    return float(20 * np.log10(np.sqrt(np.mean(windows[windows > windows.max() / 10] ** 2))))


def assert_every_word_is_told(heard: Heard) -> None:
    assert [(w.char_start, w.char_end) for w in heard.words] == list(units(heard.text))
    times = [ms for word in heard.words for ms in (word.start_ms, word.end_ms)]
    assert all(before <= after + 1 for before, after in pairwise(times)), times
    assert times[-1] <= heard.format.ms(len(heard.audio)) + 1


@pytest.mark.parametrize(
    "audio", [TELEPHONE, TELEPHONE_ALAW, BROWSER, AudioFormat("pcm_s16le", 24000), AudioFormat("pcm_s16le", 48000)]
)
async def test_it_speaks_in_the_callers_format_and_tells_when_each_word_sounds(line: Line, audio: AudioFormat) -> None:
    heard = await line.say(audio=audio)
    assert 4000 < audio.ms(len(heard.audio)) < 8000
    assert_every_word_is_told(heard)
    assert heard.words[-1].end_ms > audio.ms(len(heard.audio)) - 100


async def test_the_same_text_is_the_same_sound(line: Line) -> None:
    first, second = await line.say(), await line.say()
    assert first.audio == second.audio
    assert first.words == second.words


async def test_the_first_sound_leaves_before_the_sentence_is_done(line: Line) -> None:
    stream = hibari_of(line).synthesize(one(LONG[:170]), TtsConfig())
    first = await anext(stream)
    await stream.aclose()
    assert 300 < TELEPHONE.ms(len(first.data)) <= 520


@pytest.mark.parametrize(
    "said",
    [
        "It costs $12.50 — or 50% less — at 3:30 p.m.; ask me@example.com!",
        "Order BW-1042, card 4421, (555) 123-4567, in 2024, on Jan. 5th, 5 km, No. 5, e.g. Dr. Smith.",
        "<speak>no &lt;markup&gt; [[h@'loU]](/x/) here</speak> \x01\x02 and \x00 there",
        "Café naïve Łódź “quoted” 😀 e.g. Dr. Smith (ext. 5) ± ≠ ©.",
        "a " * 200,
        "donaudampfschifffahrt" * 40,
        "4821 " * 30,
    ],
)
async def test_any_text_can_be_spoken_and_every_word_has_a_time(line: Line, said: str) -> None:
    heard = await line.say((said[:100], said[100:]))
    assert heard.audio
    told = [(w.char_start, w.char_end) for w in heard.words]
    assert told == sorted(told)
    assert {place for begin, end in told for place in range(begin, end)} >= {
        place for begin, end in units(said) for place in range(begin, end) if said[place].isalnum()
    }
    times = [ms for word in heard.words for ms in (word.start_ms, word.end_ms)]
    assert all(before <= after + 1 for before, after in pairwise(times))


async def test_a_word_is_told_where_it_sounds(line: Line) -> None:
    """Between the words of a list it is quiet: there, and only there, a word is over and the next not begun."""
    heard = await line.say(("Apple... banana... kettle... seven... thanks... paper.",), BROWSER)
    audible = levels(heard) > 10 ** (-42 / 20)
    for word, following in pairwise(heard.words):
        middle = (word.end_ms + following.start_ms) // 20
        assert not audible[middle - 1 : middle + 2].all(), (word, following)
        assert audible[following.start_ms // 10 : following.start_ms // 10 + 13].any(), following
    inside = np.zeros(len(audible), bool)
    for word in heard.words:
        inside[max(0, word.start_ms // 10 - 9) : word.end_ms // 10 + 9] = True
    assert not (audible & ~inside).any()


async def test_a_quicker_voice_is_shorter(line: Line) -> None:
    plain, quick, slow = [len((await line.say(speed=speed)).audio) for speed in (1.0, 1.3, 0.7)]
    assert quick < 0.88 * plain < plain < 0.85 * slow


async def test_it_is_as_loud_as_the_other_voices_and_never_clips(line: Line) -> None:
    heard = await line.say(audio=BROWSER)
    async with service(settings()) as espeaks:
        other = await espeaks.say(audio=BROWSER)
    assert abs(voiced_db(heard) - voiced_db(other)) < 3
    assert np.abs(pcm(heard)).max() < 0.99


async def test_nothing_clicks_where_phrases_and_portions_meet(line: Line) -> None:
    heard = await line.say(("One. ", "Two. ", "Three, ", "four."), AudioFormat("pcm_s16le", 24000))
    jumps = np.abs(np.diff(pcm(heard)))
    quiet = np.repeat(levels(heard, 5) < 10 ** (-60 / 20), 24 * 5)[: len(jumps)]
    assert quiet.any()
    assert jumps[: len(quiet)][quiet].max() < 0.01


async def test_other_scripts_in_a_sentence_are_asked_of_the_voice_that_has_them(line: Line) -> None:
    said = "Your order 您好，世界 has shipped, Мария, on 5 May."
    heard = await line.say((said,))
    assert_every_word_is_told(heard)
    foreign = next(word for word in heard.words if said[word.char_start] == "您")
    assert foreign.end_ms - foreign.start_ms > 400


async def test_stretches_of_other_scripts_are_found_with_their_language() -> None:
    said = "Order 您好4821。 12 is here (привет). Ende."
    found = list(passages(said))
    assert "".join(passage.text for passage in found) == said
    assert [(passage.text.strip(), passage.language) for passage in found] == [
        ("Order", ""),
        ("您好4821。", "cmn"),
        ("12 is here (", ""),
        ("привет).", "ru"),
        ("Ende.", ""),
    ]
    for whole in ("Dr. Smith is in St. Louis, No. 5.", "It is 3.5, not more, e.g. 3.", "He came, at 5 p.m. or so."):
        assert [passage.text for passage in passages(whole)] == [whole]


async def test_without_the_other_voice_a_foreign_word_counts_as_said_but_nothing_alone_is_silence() -> None:
    lone = Hibari(settings())
    lone._others = None
    await lone.warm()
    synthesis = Synthesis([Engine("hibari", lone)])
    said = "Your order 您好 has shipped."
    words = [word async for chunk in synthesis.speak(one(said), TtsConfig()) for word in chunk.words]
    assert [said[w.char_start : w.char_end] for w in words] == said.split()
    with pytest.raises(VendorLost):
        [chunk async for chunk in synthesis.speak(one("您好"), TtsConfig())]
    drone = Drone()
    chain = Synthesis([Engine("hibari", lone), Engine("local", drone)])
    assert [chunk async for chunk in chain.speak(one("您好"), TtsConfig())]
    assert drone.asked == "您好"
    with pytest.raises(Misconfigured, match="hibari speaks English, not 'es'"):
        [chunk async for chunk in synthesis.speak(one("Hola"), TtsConfig(language="es"))]
    await synthesis.aclose()


async def test_another_language_is_the_next_engines_and_no_failure(line: Line) -> None:
    class Never(Drone):
        async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
            raise AssertionError("asked")
            yield AudioChunk(b"")

    drone = Drone()
    chain = Synthesis([Engine("hibari", Never()), Engine("local", drone)])
    assert [chunk async for chunk in chain.speak(one("Hola."), TtsConfig(language="es-MX", voice="es+f3"))]
    assert (drone.asked, drone.voice) == ("Hola.", "es+f3")
    # Where it is alone, it asks espeak-ng itself.
    assert (await line.say(("Buenos días.",), language="es")).audio


@pytest.mark.parametrize(
    ("voice", "told"), [("nobody", "no voice 'nobody'"), ("../x", "no name"), ("emma", "does not come")]
)
async def test_a_voice_that_is_not_there_is_named_with_the_remedy(line: Line, voice: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        await line.refused(config(voice=voice), text("Hello. "))
    assert (await line.say(("Hello.",), voice="heart")).audio


async def test_a_barge_in_stops_synthesis_at_once(line: Line) -> None:
    worker = psutil.Process(hibari_of(line).process.pid)
    stream = await line.open()
    await stream.write(config())
    await stream.write(text(LONG))
    assert (await stream.read()).audio.data
    stream.cancel()
    await line.until_open(0)
    await line.say(("Hello.",))
    before = sum(worker.cpu_times()[:2])
    await asyncio.sleep(0.1)
    assert sum(worker.cpu_times()[:2]) - before < 0.05


async def test_twenty_callers_at_once_each_hear_their_own_answer(line: Line) -> None:
    alone = {said: (await line.say((said,))).audio for said in ("Yes.", "It has shipped.")}
    answers = list(alone) * 10
    heard = await asyncio.gather(*(line.say((answer,)) for answer in answers))
    assert [one.audio for one in heard] == [alone[answer] for answer in answers]


async def test_when_its_process_dies_in_mid_sentence_it_is_started_again_and_no_word_is_lost() -> None:
    async with service(settings(PARLEY_TTS="hibari"), stall_s=30) as line, await line.open() as stream:
        process = hibari_of(line).process
        first = process.pid
        await stream.write(config())
        await stream.write(text(ANSWER[0]))
        heard = Heard("".join(ANSWER), TELEPHONE)
        event = await stream.read()
        heard.audio, heard.words = event.audio.data, list(event.audio.words)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await stream.write(text(ANSWER[1] + ANSWER[2]))
        await stream.done_writing()
        async for event in stream:
            heard.audio += event.audio.data
            heard.words += event.audio.words
        assert process.pid not in (None, first)
        worker = psutil.Process(process.pid)
    assert_every_word_is_told(heard)
    assert not worker.is_running()


async def test_what_the_process_refuses_is_told_as_what_it_is() -> None:
    class Refusing:
        def __init__(self, payload: bytes, kind: int = pipe.DONE) -> None:
            self._frame = kind, payload

        async def hear(self) -> tuple[int, bytes]:
            return self._frame

    for payload, error in (
        (pipe.refusal(pipe.BUSY, "full"), AtCapacity),
        (pipe.refusal(pipe.WRONG, "voice"), Misconfigured),
        (pipe.refusal(pipe.BROKEN, "ValueError"), VendorLost),
    ):
        with pytest.raises(error, match="hibari: "):
            [_ async for _ in provider._heard(Refusing(payload))]  # type: ignore[arg-type]
    with pytest.raises(VendorLost, match="a frame of kind"):
        [_ async for _ in provider._heard(Refusing(b"", pipe.AUDIO))]  # type: ignore[arg-type]


async def test_a_rate_that_nobody_has_is_refused(line: Line) -> None:
    with pytest.raises(BadInput, match="sample_rate_hz"):
        [_ async for _ in hibari_of(line).synthesize(one("Hi."), TtsConfig(format=AudioFormat("pcm_s16le", 4000)))]


async def one(said: str) -> AsyncIterator[str]:
    yield said
