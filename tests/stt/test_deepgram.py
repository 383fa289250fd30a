"""Deepgram's SDK against the stand-in: what a call hears, and every way in which the vendor fails it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from parley.audio import BROWSER, TELEPHONE_ALAW, from_pcm, mulaw_to_pcm
from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, VendorLost
from parley.settings import Settings
from services.stt.contract import (
    Endpointing,
    Final,
    Flush,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    SttConfig,
    TurnEnded,
)
from services.stt.providers import deepgram_line as module
from services.stt.providers.deepgram import Deepgram
from services.stt.providers.deepgram_line import bases
from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import render
from tests.stt.line import HEARD, ORDER, noise, settings, silence, spoken


class Ear:
    """A provider's stream with the audio in a queue."""

    def __init__(self, provider: Deepgram, config: SttConfig) -> None:
        self.audio: asyncio.Queue[bytes | Flush | None] = asyncio.Queue()
        self.events = provider.recognize(self._take(), config)
        self.seen: list[SpeechEvent] = []

    async def _take(self) -> AsyncIterator[bytes | Flush]:
        while (data := await self.audio.get()) is not None:
            yield data

    def say(self, audio: bytes) -> None:
        for at in range(0, len(audio), 480):
            self.audio.put_nowait(audio[at : at + 480])

    async def until(self, kind: type) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            async for event in self.events:
                self.seen.append(event)
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"ended without {kind.__name__}: {self.seen}")

    async def rest(self) -> list[SpeechEvent]:
        async with asyncio.timeout(PATIENCE_S):
            return [event async for event in self.events]


@asynccontextmanager
async def listening(sim: DeepgramSim, config: SttConfig | None = None, **more: Any) -> AsyncIterator[Ear]:
    ear = Ear(Deepgram(settings(sim, **more)), config or SttConfig(call_id="CA1"))
    async with aclosing(ear.events):  # type: ignore[type-var]
        yield ear


async def test_a_sentence_is_heard_with_its_times_and_its_end(sim: DeepgramSim) -> None:
    words = render(ORDER).words
    async with listening(sim) as ear:
        ear.say(spoken(ORDER, after_ms=400, before_ms=200))
        ended = await ear.until(TurnEnded)
    kinds = [type(e) for e in ear.seen]
    assert kinds[0] is SpeechStarted
    assert kinds[1] is Interim
    assert kinds[-3:] == [Final, SpeechStopped, TurnEnded]
    final = next(e for e in ear.seen if isinstance(e, Final))
    assert final.text == HEARD
    assert [w.text for w in final.words] == ["Where", "is", "my", "order", "1234."]
    assert abs(final.start_ms - 200 - words[0].start_ms) < 40
    assert abs(final.end_ms - 200 - words[-1].end_ms) < 60
    assert 250 <= ended.offset_ms - final.end_ms <= 500


async def test_what_the_vendor_is_asked_for(sim: DeepgramSim) -> None:
    config = SttConfig(language="en-US", keyterms=("Parley", "front desk"), endpointing=Endpointing(min_delay_ms=250))
    async with listening(sim, config) as ear:
        ear.say(spoken("Hello", after_ms=600))
        await ear.until(TurnEnded)
    seen = sim.records[-1]
    asked = {name: values[0] for name, values in seen.query.items()}
    assert asked == {
        "model": "nova-3",
        "encoding": "mulaw",
        "sample_rate": "8000",
        "channels": "1",
        "language": "en-US",
        "interim_results": "true",
        "punctuate": "true",
        "numerals": "true",
        "endpointing": "250",
        "utterance_end_ms": "1000",
        "vad_events": "true",
        "keyterm": "Parley",
    }
    assert seen.query["keyterm"] == ["Parley", "front desk"]
    assert seen.audio_bytes == len(spoken("Hello", after_ms=600))


async def test_the_browsers_audio_goes_as_linear16(sim: DeepgramSim) -> None:
    async with listening(sim, SttConfig(format=BROWSER)) as ear:
        ear.say(render("Hello there", rate=16000).pcm.tobytes() + bytes(16000))
        assert (await ear.until(Final)).text == "Hello there."
    assert sim.records[-1].query["encoding"] == ["linear16"]


async def test_an_older_model_gets_keywords(sim: DeepgramSim) -> None:
    config = SttConfig(keyterms=("Parley",))
    async with listening(sim, config, PARLEY_DEEPGRAM_MODEL="nova-2-phonecall") as ear:
        ear.say(spoken("Hello", after_ms=400))
        await ear.until(Final)
    assert sim.records[-1].query["keywords"] == ["Parley"]
    assert "keyterm" not in sim.records[-1].query


async def test_times_are_leg_time_after_a_reconnect(sim: DeepgramSim) -> None:
    async with listening(sim, SttConfig(offset_ms=60_000)) as ear:
        ear.say(spoken("Hello", after_ms=400))
        final = await ear.until(Final)
        assert 60_000 <= final.words[0].start_ms < 60_050
        assert (await ear.until(TurnEnded)).offset_ms > 60_300


async def test_a_flush_brings_the_words_at_once(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Yes please", after_ms=60))
        ear.audio.put_nowait(Flush.FLUSH)
        assert (await ear.until(Final)).text == "Yes please"
    assert sim.records[-1].controls == ['{"type": "Finalize"}']


async def test_in_steady_noise_the_utterance_end_ends_the_speech(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Hello there") + noise(1500, 300))
        ended = await ear.until(TurnEnded)
        final = next(e for e in ear.seen if isinstance(e, Final))
        assert final.text == "Hello there"
        assert abs(ended.offset_ms - final.end_ms) < 50


async def test_after_speech_final_the_utterance_end_ends_nothing_more(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Hello there", after_ms=1800))
        ear.audio.put_nowait(None)
        events = await ear.rest()
    assert sum(isinstance(e, TurnEnded) for e in events) == 1


async def test_the_end_of_the_audio_brings_the_last_words_and_a_clean_goodbye(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Goodbye"))
        ear.audio.put_nowait(None)
        events = await ear.rest()
    assert [e.text for e in events if isinstance(e, Final)] == ["Goodbye"]
    assert sim.records[-1].controls == ['{"type": "CloseStream"}']
    assert sim.records[-1].close_code == 1000


async def test_an_empty_piece_of_audio_is_never_sent(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.audio.put_nowait(b"")
        ear.say(spoken("Hello", after_ms=400))
        assert (await ear.until(Final)).text == "Hello."


async def test_a_silent_line_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "KEEP_ALIVE_S", 0.1)
    async with DeepgramSim(silence_limit_s=0.4) as sim, listening(sim) as ear:
        hello = asyncio.ensure_future(ear.until(Final))
        await sim.until(lambda: bool(sim.records) and len(sim.records[-1].controls) >= 8)
        ear.say(spoken("Still here", after_ms=400))
        assert (await hello).text == "Still here."
        assert set(sim.records[-1].controls) == {'{"type": "KeepAlive"}'}


async def test_the_call_that_is_over_closes_the_vendors_stream_at_once(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Hello", after_ms=400))
        await ear.until(TurnEnded)
        begin = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begin < 0.2
    await sim.until(lambda: sim.open_connections == 0)


async def fails(sim: DeepgramSim, audio: bytes, **more: Any) -> ParleyError:
    with pytest.raises(ParleyError) as failure:
        await hear(sim, audio, **more)
    return failure.value


async def hear(sim: DeepgramSim, audio: bytes, then: bytes | Flush = b"", **more: Any) -> list[SpeechEvent]:
    async with listening(sim, **more) as ear:
        ear.say(audio)
        ear.audio.put_nowait(then)
        ear.say(silence(60))
        return await ear.rest()


async def test_a_refused_key_says_which_setting(sim: DeepgramSim) -> None:
    error = await fails(sim, b"", key="wrong")
    assert isinstance(error, Misconfigured)
    assert str(error) == "DEEPGRAM_API_KEY: Deepgram refuses the key (401)"


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (400, BadInput, "PARLEY_DEEPGRAM_MODEL"),
        (402, Misconfigured, "no credit"),
        (403, Misconfigured, "refuses the key"),
        (429, AtCapacity, "429"),
        (500, VendorLost, "answered 500"),
    ],
)
async def test_a_refused_upgrade_is_told_by_its_meaning(
    sim: DeepgramSim, status: int, kind: type[ParleyError], says: str
) -> None:
    sim.faults.add(Fault("refuse", status=status))
    error = await fails(sim, b"")
    assert type(error) is kind
    assert says in str(error)


async def test_garbage_costs_no_word(sim: DeepgramSim) -> None:
    sim.faults.add(Fault("garbage"))
    async with listening(sim) as ear:
        ear.say(spoken("Hello there", after_ms=400))
        assert (await ear.until(Final)).text == "Hello there."


async def test_the_vendors_own_error_loses_it(sim: DeepgramSim) -> None:
    sim.faults.add(Fault("error", message="out of luck", after_bytes=480))
    assert "out of luck" in str(await fails(sim, silence(500)))


@pytest.mark.parametrize(("code", "says"), [(1011, "1011 see net0001"), (0, "no goodbye"), (1000, "1000")])
async def test_a_close_in_mid_stream_loses_the_vendor(sim: DeepgramSim, code: int, says: str) -> None:
    sim.faults.add(Fault("close", code=code, message="see net0001", after_bytes=960))
    error = await fails(sim, silence(500))
    assert isinstance(error, VendorLost)
    assert says in str(error)


@pytest.mark.parametrize("probe", [False, True])
async def test_a_stalled_vendor_is_noticed_by_its_silence_after_finalize(
    sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch, probe: bool
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "STALL_S", 0.2)
    monkeypatch.setattr(module, "PROBE_S", 0.2 if probe else 60)
    sim.faults.add(Fault("stall"))
    with pytest.raises(VendorLost, match="stalled"):
        await hear(sim, spoken("Hello", after_ms=300), b"" if probe else Flush.FLUSH)
    assert sim.records[-1].controls == ['{"type": "Finalize"}']


async def test_a_vendor_that_has_no_words_for_a_voice_is_asked_and_then_left(
    sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "VOICE_S", 0.2)
    monkeypatch.setattr(module, "STALL_S", 0.2)
    sim.faults.add(Fault("stall", after_items=1))
    async with listening(sim) as ear:
        ear.say(spoken("Hello"))
        await ear.until(SpeechStarted)
        ear.say(spoken("and then"))
        ear.audio.put_nowait(Flush.VOICE)
        with pytest.raises(VendorLost, match="stalled"):
            await ear.rest()
    assert sim.records[-1].controls == ['{"type": "Finalize"}']


async def test_a_voice_that_is_answered_needs_no_asking(sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.02)
    monkeypatch.setattr(module, "VOICE_S", 0.1)
    async with listening(sim) as ear:
        ear.audio.put_nowait(Flush.VOICE)
        ear.say(spoken("Hello there", after_ms=600))
        await ear.until(TurnEnded)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await ear.rest()
    assert sim.records[-1].controls == []


async def test_a_vendor_that_is_not_there() -> None:
    async with DeepgramSim() as gone:
        pass
    assert "cannot be reached" in str(await fails(gone, b""))


async def test_a_vendor_that_does_not_answer_the_upgrade(sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 0.1)
    sim.faults.add(Fault("slow", after_ms=2000))
    assert "TimeoutError" in str(await fails(sim, b""))


def test_no_key_is_said_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="DEEPGRAM_API_KEY: is empty"):
        Deepgram(Settings.model_validate({"DEEPGRAM_API_KEY": ""}))


@pytest.mark.parametrize(
    ("given", "http", "ws"),
    [
        ("https://api.deepgram.com", "https://api.deepgram.com", "wss://api.deepgram.com"),
        ("wss://api.eu.deepgram.com/v1/listen", "https://api.eu.deepgram.com", "wss://api.eu.deepgram.com"),
        ("ws://127.0.0.1:9/v1/", "http://127.0.0.1:9", "ws://127.0.0.1:9"),
        ("http://proxy:9/deepgram", "http://proxy:9/deepgram", "ws://proxy:9/deepgram"),
        ("api.deepgram.com", "https://api.deepgram.com", "wss://api.deepgram.com"),
    ],
)
def test_the_address_may_be_written_in_many_ways(given: str, http: str, ws: str) -> None:
    assert bases(given) == (http, ws)


@pytest.mark.parametrize("given", ["ftp://x", "https://"])
def test_an_address_that_is_none_names_the_setting(given: str) -> None:
    with pytest.raises(Misconfigured, match="DEEPGRAM_BASE_URL"):
        bases(given)


async def test_a_caller_from_where_telephones_speak_a_law_is_heard(sim: DeepgramSim) -> None:
    async with listening(sim, SttConfig(format=TELEPHONE_ALAW)) as ear:
        ear.say(from_pcm(mulaw_to_pcm(spoken(ORDER, after_ms=400)), "alaw"))
        await ear.until(TurnEnded)
    assert next(e for e in ear.seen if isinstance(e, Final)).text == HEARD
