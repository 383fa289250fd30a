"""The ears die while the caller speaks, at every moment of it; others go on. What was said is heard once and whole."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from parley.audio import TELEPHONE
from parley.audio.wire import to_wire
from parley.v1 import stt_pb2
from services.gateway.ears.backlog import LEAD_MS
from testbed.turns.judge import complaints
from testbed.turns.parse import parse
from testbed.turns.virtual.ears import VirtualEars
from testbed.turns.virtual.play import Loss, play
from testbed.turns.virtual.time import VirtualTime
from testbed.vendors import mulaw
from testbed.vendors.wordcodec import render

Request = stt_pb2.RecognizeRequest
EVERY_20_MS = range(0, 540, 20)
SOFT = [8076, 8080, 8096, 8116]
"""Samples of quiet before an "uh-huh" of which voice detection that begins in that quiet misses the second half."""

UH_HUH = """call: uh-huh
agent: endpointing.policy = fixed
agent: endpointing.min_delay_ms = 200
agent: endpointing.max_delay_ms = 800
caller: "what are the hours"
when bot says "open from": caller: "uh-huh"
expect bot finishes "hours"
expect turns "what are the hours"
"""
QUESTION = """call: a question
caller: "tell me the hours please"
expect bot finishes "hours"
expect turns "tell me the hours please"
"""
PAUSES = """call: a number in two parts
caller: "my number is" 600 ms "four two seven"
expect turns "my number is four two seven"
"""
STOPPED = """call: broken in upon
agent: endpointing.policy = fixed
agent: endpointing.min_delay_ms = 200
agent: endpointing.max_delay_ms = 800
caller: "tell me the story"
when bot says "two sisters": caller: "{said}"
expect bot pauses within 300 ms
expect bot never says "since then"
expect turns "tell me the story" / "{said}"
"""
ONE_WORD = ("wait", "no", "stop")
WORDS = "no wait what color is it"
AWAY = ((20, 0), (300, 0), (300, 400), (1_500, 0), (3_000, 0))
"""How long nobody listens, and how late the next recogniser's words come; in ms."""
EVERY = [
    (said, away_ms, slow_ms, again_ms)
    for said in (*ONE_WORD, WORDS)
    for away_ms, slow_ms in AWAY
    for again_ms in (0, 60, 200, 500, 900)
]
SAMPLE = EVERY[::7]


def _said(text: str) -> bytes:
    rendered = render(text)
    return mulaw.from_pcm(rendered.pcm)[: int(rendered.words[-1].end_ms * 8)]


def _turns(config: stt_pb2.RecognizeConfig, audio: bytes, replayed: int) -> list[str]:
    """The turns that ears make of it: the first bytes come in one go, the rest in real time."""
    time, told = VirtualTime(), list[stt_pb2.RecognizeEvent]()
    with time.in_place():
        ears = VirtualEars(time, told.append)
        ears.take(Request(config=config), config.endpointing)
        frames = [audio[at : at + 160] for at in range(replayed, len(audio), 160)]
        for at in range(0, replayed, 800):
            ears.take(Request(audio=audio[at : min(at + 800, replayed)]), config.endpointing)
        for n, frame in enumerate(frames):
            time.after(20 * (n + 1), lambda frame=frame: ears.take(Request(audio=frame), config.endpointing))  # type: ignore[misc]
        time.run(lambda: False, 10)
    ended = [event.turn_ended for event in told if event.HasField("turn_ended")]
    return [each.text for each in ended if each.kind == stt_pb2.TurnEnded.KIND_CONFIRMED]


@pytest.mark.parametrize("quiet", SOFT)
async def test_an_uh_huh_is_one_whenever_in_it_the_ears_die(quiet: int) -> None:
    """New ears know how this caller sounds: by the second of speech that was final before."""
    config = stt_pb2.RecognizeConfig(
        format=to_wire(TELEPHONE),
        offset_ms=10_000,
        endpointing=stt_pb2.Endpointing(min_delay_ms=200, max_delay_ms=800),
        lead=_said("tell me a story of foxtrot november")[-LEAD_MS * 8 :],
    )
    audio = b"\xff" * quiet + _said("uh-huh") + TELEPHONE.silence(1_500)
    heard = {died_ms: _turns(config, audio, quiet + died_ms * 8) for died_ms in EVERY_20_MS}
    assert {died_ms: turns for died_ms, turns in heard.items() if turns != ["Uh huh."]} == {}


async def test_a_turn_whose_words_were_told_ends_without_a_wait_for_the_new_ears() -> None:
    config = stt_pb2.RecognizeConfig(
        format=to_wire(TELEPHONE),
        offset_ms=10_000,
        endpointing=stt_pb2.Endpointing(min_delay_ms=200, max_delay_ms=800),
        lead=_said("where is my order"),
        said=stt_pb2.Final(text="where is my order", start_ms=8_600, end_ms=10_000),
    )
    assert _turns(config, TELEPHONE.silence(600), 300 * 8) == ["where is my order"]


@pytest.mark.parametrize(("away_ms", "slow_ms"), [(20, 0), (60, 400), (300, 0)])
async def test_an_uh_huh_over_the_bot_costs_nothing_whenever_the_ears_die(away_ms: int, slow_ms: int) -> None:
    await _dies(range(0, 600, 80), UH_HUH, 1, away_ms, slow_ms)


@pytest.mark.parametrize("slow_ms", [0, 400])
@pytest.mark.parametrize("script", [QUESTION, PAUSES])
async def test_a_turn_is_one_whenever_in_it_the_ears_die(script: str, slow_ms: int) -> None:
    await _dies(range(0, 2_400, 320), script, 0, 60, slow_ms)


@pytest.mark.parametrize("script", [QUESTION, PAUSES])
async def test_a_turn_is_one_whenever_in_it_the_recogniser_stalls(script: str) -> None:
    """It is left as soon as that is found out; until then half of what was said is no turn."""
    await _dies(range(0, 2_000, 240), script, 0, 60, 0, stalls_ms=3_000)


@pytest.mark.parametrize(("said", "away_ms", "slow_ms", "again_ms"), SAMPLE)
async def test_an_interruption_counts_whenever_in_its_first_300_ms_the_ears_die_once_or_twice(
    said: str, away_ms: int, slow_ms: int, again_ms: int
) -> None:
    await _dies(range(20 * (again_ms % 3), 320, 120), STOPPED.format(said=said), 1, away_ms, slow_ms, again_ms=again_ms)


@pytest.mark.soak
@pytest.mark.parametrize(("said", "away_ms", "slow_ms", "again_ms"), EVERY)
async def test_the_same_at_every_moment(said: str, away_ms: int, slow_ms: int, again_ms: int) -> None:
    """Twenty minutes of calls; `PARLEY_SOAK=1 pytest tests/turns/test_lost_ears.py`."""
    await _dies(range(0, 400, 20), STOPPED.format(said=said), 1, away_ms, slow_ms, again_ms=again_ms)


async def test_no_turn_is_overdue_while_nobody_listens() -> None:
    """Two guessed at its first word and were lost; the fourth would end the turn with that, and is away."""
    (script,) = parse(STOPPED.format(said=WORDS).replace('"since then"', '"is no"') + "wait 15000 ms\n")
    losses = [(120, 60, 0), (760, 60, 0), (1_420, 2_500, 500), (2_780, 2_500, 2_000)]
    record = await play(script, *(Loss(1, after, away, 400, stalls) for after, away, stalls in losses))
    assert not complaints(record, 0), record.shown()


async def _dies(
    moments: Iterable[int],
    text: str,
    line: int,
    away_ms: int,
    slow_ms: int,
    stalls_ms: int = 0,
    again_ms: int = 0,
) -> None:
    """`moments`: ms of the line at which the ears die. `again_ms`: those that listen then die too, so long after."""
    (script,) = parse(text)
    for after_ms in moments:
        losses = [Loss(line, after_ms, away_ms, slow_ms, stalls_ms)]
        if again_ms:
            losses.append(Loss(line, after_ms + again_ms, away_ms, slow_ms))
        record = await play(script, *losses)
        wrong = complaints(record, 0)
        assert not wrong, "\n".join([f"ears dead after {after_ms} ms, again {again_ms}", *wrong, record.shown()])
