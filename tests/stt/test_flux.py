"""Deepgram Flux by its SDK against the stand-in: turns as Flux hears them, and the calls that rely on its opinion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace

import pytest

from parley.engines import Engine
from parley.errors import Misconfigured, VendorLost
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
    TurnKind,
)
from services.stt.providers import deepgram_line as module
from services.stt.providers.deepgram import Deepgram
from services.stt.providers.flux import Flux
from services.stt.providers.flux_turns import FluxTurns, Timeline
from services.stt.vad import Detector
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import render
from tests.stt.line import ORDER, line, settings, silence, spoken
from tests.stt.test_deepgram import Ear

HEARD = "where is my order 1234"
BY_VENDOR = Endpointing(policy="vendor")


@asynccontextmanager
async def listening(sim: DeepgramSim, config: SttConfig | None = None) -> AsyncIterator[Ear]:
    ear = Ear(Flux(settings(sim)), config or SttConfig(call_id="CA1"))  # type: ignore[arg-type]
    async with aclosing(ear.events):  # type: ignore[type-var]
        yield ear


async def confirmed(ear: Ear) -> TurnEnded:
    while (event := await ear.until(TurnEnded)).kind is not TurnKind.CONFIRMED:
        pass
    assert isinstance(event, TurnEnded)
    return event


def ends(seen: list[SpeechEvent]) -> list[str]:
    return [event.kind.value for event in seen if isinstance(event, TurnEnded)]


async def test_a_sentence_is_heard_with_its_early_and_its_definite_end(sim: DeepgramSim) -> None:
    words = render(ORDER).words
    async with listening(sim) as ear:
        ear.say(spoken(ORDER, after_ms=900, before_ms=200))
        ended = await confirmed(ear)
    kinds = [type(e) for e in ear.seen]
    assert kinds[0] is SpeechStarted
    assert kinds[1] is Interim
    assert kinds[-3:] == [Final, SpeechStopped, TurnEnded]
    assert ends(ear.seen) == ["eager", "confirmed"]
    final = next(e for e in ear.seen if isinstance(e, Final))
    assert [w.text for w in final.words] == HEARD.split()
    assert abs(final.start_ms - 200 - words[0].start_ms) < 40
    assert abs(final.end_ms - 200 - words[-1].end_ms) < 60
    assert ended.confidence >= 0.7


async def test_who_goes_on_takes_the_early_end_back(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Where is", after_ms=450) + spoken("my order", after_ms=900))
        await confirmed(ear)
    assert ends(ear.seen) == ["eager", "resumed", "eager", "confirmed"]
    assert [e.text for e in ear.seen if isinstance(e, Final)] == ["where is my order"]


async def test_what_flux_is_asked_for(sim: DeepgramSim) -> None:
    config = SttConfig(language="de-DE", keyterms=("Parley",), endpointing=Endpointing(max_delay_ms=1200))
    async with listening(sim, config) as ear:
        ear.say(spoken("Hello", after_ms=900))
        await confirmed(ear)
    assert {name: values[0] for name, values in sim.records[-1].query.items()} == {
        "model": "flux-general-multi",
        "encoding": "mulaw",
        "sample_rate": "8000",
        "eager_eot_threshold": "0.4",
        "eot_threshold": "0.7",
        "eot_timeout_ms": "1200",
        "numerals": "true",
        "keyterm": "Parley",
        "language_hint": "de",
    }


async def test_a_flush_ends_fluxs_turn_at_once(sim: DeepgramSim) -> None:
    async with listening(sim) as ear:
        ear.say(spoken("Yes please", after_ms=60))
        ear.audio.put_nowait(Flush.FLUSH)
        assert (await ear.until(Final)).text == "yes please"
        assert '{"type": "ForceEndTurn"}' in sim.records[-1].controls


async def test_a_flush_with_nothing_to_tell_is_answered(sim: DeepgramSim) -> None:
    async with listening(sim, SttConfig(offset_ms=5000)) as ear:
        ear.say(silence(300))
        ear.audio.put_nowait(Flush.FLUSH)
        assert (await ear.until(Interim)).text == ""


async def test_silence_made_to_keep_the_line_alive_moves_no_word(
    sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "KEEP_ALIVE_S", 0.1)
    async with DeepgramSim(silence_limit_s=0.4) as short, listening(short) as ear:
        ear.say(silence(200))
        hello = asyncio.ensure_future(ear.until(Final))
        await short.until(lambda: bool(short.records) and short.records[-1].audio_bytes >= 8 * 1000)
        ear.say(spoken("Still here", after_ms=900))
        final = await hello
        assert final.text == "still here"
        assert abs(final.start_ms - 200 - render("Still here").words[0].start_ms) < 40


def test_the_timeline_leaves_made_silence_out() -> None:
    time = Timeline(1000)
    time.made(500, 100)
    time.made(600, 100)
    time.made(2000, 100)
    assert [time.leg_ms(s) for s in (0.4, 0.65, 0.8, 2.3)] == [1400, 1500, 1600, 3000]


def test_words_without_times_stand_where_they_can() -> None:
    words = [{"word": w, "start": s, "end": e, "confidence": 1.0} for w, s, e in (("a", 0.1, 0.3), ("b", None, None))]
    info = {
        "type": "TurnInfo",
        "event": "Update",
        "audio_window_start": 0.0,
        "audio_window_end": 1.0,
        "transcript": "a b",
        "words": words,
    }
    interim = [e for e in FluxTurns(Timeline(0)).read(info) if isinstance(e, Interim)][0]
    assert (interim.start_ms, interim.end_ms) == (100, 300)


async def test_fluxs_own_error_loses_it(sim: DeepgramSim) -> None:
    sim.faults.add(Fault("error", message="out of luck", after_bytes=480))
    async with listening(sim) as ear:
        ear.say(silence(500))
        with pytest.raises(VendorLost, match="out of luck"):
            await ear.rest()


async def test_a_flux_that_says_nothing_more_is_noticed(sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "PROBE_S", 0.2)
    monkeypatch.setattr(module, "STALL_S", 0.2)
    sim.faults.add(Fault("stall"))
    async with listening(sim) as ear:
        ear.say(spoken("Hello", after_ms=300))
        with pytest.raises(VendorLost, match="stalled"):
            await ear.rest()


def test_the_model_of_flux_at_the_other_engine_says_what_to_set() -> None:
    with pytest.raises(Misconfigured, match="PARLEY_STT=flux"):
        Deepgram(settings(SimpleNamespace(url="http://x"), PARLEY_DEEPGRAM_MODEL="flux-general-en"))  # type: ignore[arg-type]


async def test_a_call_that_leaves_the_end_to_flux(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(endpointing=BY_VENDOR)
    async with line(Engine("flux", Flux(settings(sim))), detector=detector, config=config) as call:
        first, rest = spoken(ORDER, after_ms=300, before_ms=300), silence(900)
        call.say(first)
        turn = asyncio.ensure_future(call.turn())
        await call.listened(len(first) // 8)
        call.say(rest)
        ended = await turn
    assert ended.text == HEARD
    assert ends(call.seen) == ["eager", "confirmed"]


async def test_a_call_that_leaves_the_end_to_deepgrams_speech_final(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(endpointing=BY_VENDOR)
    async with line(Engine("deepgram", Deepgram(settings(sim))), detector=detector, config=config) as call:
        call.say(spoken("my number is", after_ms=700))
        assert (await call.turn()).text == "My number is."


async def test_by_meaning_flux_is_not_waited_for_when_the_words_are_clear(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(endpointing=Endpointing(policy="meaning"))
    async with line(Engine("flux", Flux(settings(sim))), detector=detector, config=config) as call:
        call.say(spoken("thank you goodbye", after_ms=330))
        assert (await call.turn()).text == "thank you goodbye"
    assert sim.records[-1].told[-1].kind == "EndOfTurn"
