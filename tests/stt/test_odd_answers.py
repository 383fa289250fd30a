"""The recogniser is asked for its words, and answers with nothing, or oddly: the turn ends all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parley.engines import Engine
from parley.engines.breaker import Breakers
from parley.errors import Misconfigured, ParleyError, Unavailable, VendorLost
from services.stt import recognition
from services.stt.contract import Endpointing, Expect, Final, SttConfig
from services.stt.endpointing.turns import MOST_CHARS
from services.stt.providers import deepgram_line as module
from services.stt.recognition import EndOfTurn
from services.stt.transcript import LONGEST
from services.stt.vad import Detector
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from tests.stt.line import Line, deepgram, line, silence, spoken
from tests.stt.odd import best, results
from tests.stt.test_recognition import Scripted

GUESS = results("where is my order", 0.0, 1.2, final=False)
ANSWERS: dict[str, Any] = {
    "what nobody knows": {"type": "Hm"},
    "no JSON": {"text": "nothing to flush"},
    "binary": {"binary": b"\x00"},
    "Metadata": {"type": "Metadata"},
    "an error about our message": {"type": "Error", "variant": "SchemaError", "description": "unknown variant"},
    "no alternatives": results("", 0.0, 1.2, finalize=True, channel={"alternatives": []}),
    "channel null": results("", 0.0, 1.2, finalize=True, channel=None),
    "the guess again": GUESS,
    "the words twice": results("where is my order", 0.0, 1.2, finalize=True),
}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "STALL_S", 0.3)
    monkeypatch.setattr(module, "ANSWER_S", 0.6)
    monkeypatch.setattr(recognition, "WATCH_S", 0.1)


async def flowing(call: Line) -> None:
    """The line is open: silence, in real time."""
    while True:
        call.say(silence(60))
        await asyncio.sleep(0.06)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("expect", [Expect.FREE, Expect.BUTTON])
async def test_the_turn_ends_with_the_words_that_are_known(
    sim: DeepgramSim, detector: Detector, name: str, expect: Expect
) -> None:
    answer = ANSWERS[name]
    again = [answer] if name == "the words twice" else []
    sim.scripts.add({"audio_ms": 1200}, GUESS, *[{"await": "Finalize"}, answer, *again] * 4)
    config = SttConfig(call_id="CA1", endpointing=Endpointing(expect, max_delay_ms=800))
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(spoken("where is my order", after_ms=300))
        if expect is Expect.BUTTON:
            call.ask(EndOfTurn())
        flow = asyncio.ensure_future(flowing(call))
        try:
            text = (await call.turn(10)).text
        finally:
            flow.cancel()
    assert text == "where is my order"
    assert len(sim.records) == 1


@pytest.mark.usefixtures("soon")
async def test_a_final_of_the_first_half_leaves_the_guess_of_the_rest(sim: DeepgramSim, detector: Detector) -> None:
    sim.scripts.add({"audio_ms": 1200}, GUESS, {"await": "Finalize"}, results("where is", 0.0, 0.6))
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken("where is my order", after_ms=300))
        flow = asyncio.ensure_future(flowing(call))
        try:
            assert (await call.turn(10)).text == "where is my order"
        finally:
            flow.cancel()
    assert [e.text for e in call.seen if isinstance(e, Final)] == ["where is", "my order"]


@pytest.mark.usefixtures("soon")
async def test_who_lives_and_says_nothing_that_can_be_read_is_left(sim: DeepgramSim, detector: Detector) -> None:
    """A voice, and only odd messages: another must hear it."""
    sim.scripts.add(*[{"type": "Hm"}, {"pause_ms": 50}] * 100)
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken("where is my order", after_ms=300))
        flow = asyncio.ensure_future(flowing(call))
        try:
            with pytest.raises(VendorLost, match="stalled"):
                await call.rest(10)
        finally:
            flow.cancel()
    assert len(sim.records) == 1


async def test_what_may_pass_is_told_before_what_does_not(detector: Detector) -> None:
    """The caller speaks what the second engine does not know. The first may be back soon."""
    engines = Engine("first", Scripted(VendorLost("gone"))), Engine("second", Scripted(Misconfigured("language")))
    async with line(*engines, detector=detector) as call:
        call.say(silence(100))
        with pytest.raises(Unavailable, match="gone"):
            await call.rest()


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        (Fault("refuse", status=400), False),
        (Fault("refuse", status=401), False),
        (Fault("refuse", status=404), False),
        (Fault("refuse", status=429), False),
        (Fault("close", code=1008, after_bytes=480), False),
        (Fault("refuse", status=500), True),
        (Fault("close", code=1011, after_bytes=480), True),
    ],
)
async def test_only_what_is_lost_counts_against_the_vendor(
    sim: DeepgramSim, detector: Detector, fault: Fault, counts: bool
) -> None:
    sim.faults.add(fault)
    breakers = Breakers("stt")
    for _ in range(3):
        async with line(deepgram(sim), detector=detector, breakers=breakers) as call:
            call.say(silence(1000))
            with pytest.raises(ParleyError):
                await call.rest()
    assert breakers.of("deepgram").is_open is counts


async def test_no_number_of_odd_messages_counts_against_the_vendor(sim: DeepgramSim, detector: Detector) -> None:
    breakers = Breakers("stt")
    sim.scripts.add(*[{"type": "Hm"}, [], "x"] * 20, {"text": "oops"}, alone=False)
    async with line(deepgram(sim), detector=detector, breakers=breakers) as call:
        call.say(spoken("Hello there", after_ms=700))
        assert (await call.turn()).text == "Hello there."
    assert not breakers.of("deepgram").is_open
    assert len(sim.records) == 1


async def test_a_speech_without_end_is_told_in_parts_of_which_none_is_too_long(
    sim: DeepgramSim, detector: Detector
) -> None:
    said = " ".join(f"word{n}" for n in range(3_000))
    sim.scripts.add({"audio_ms": 900}, best(results("x", 0.0, 0.9), transcript=said, words=[]), alone=True)
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken("Hello there", after_ms=900))
        texts: list[str] = []
        while sum(len(text) for text in texts) < len(said) - 10:
            texts.append((await call.turn()).text)
    assert " ".join(texts) == said
    assert max(map(len, texts)) < MOST_CHARS + LONGEST + 10
    assert max(len(e.text) for e in call.seen if isinstance(e, Final)) <= LONGEST


async def test_more_words_than_anybody_can_say_end_the_stream(
    sim: DeepgramSim, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "FINALS", 50)
    flood = [results(f"w{n}", n / 100, n / 100 + 0.01) for n in range(200)]
    sim.scripts.add({"audio_ms": 900}, *flood)
    async with line(deepgram(sim), detector=detector) as call:
        call.say(silence(3000))
        with pytest.raises(VendorLost, match="more words than anybody can say"):
            await call.rest()
