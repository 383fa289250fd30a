"""Thinking ahead over `Converse`: what it saves, what it costs, and that nothing is left of it when it was wrong."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from parley.v1 import events_pb2, llm_pb2
from testbed.organs import AGENT, Gateway, House, house
from testbed.patience import PATIENCE_S

TTFT_S = 0.24
QUESTION = "do you rent bikes"


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("voice_speculations_total", {"outcome": outcome}) or 0.0


async def greeted(h: House) -> Gateway:
    g = await h.gateway()
    await g.opens()
    await g.hears((await g.said())[0])
    return g


async def waited(g: Gateway, lead_s: float | None) -> float:
    """Seconds from the end of a turn to its first words; the ears had seen the end coming `lead_s` before."""
    await g.speaks(QUESTION)
    if lead_s is not None:
        await g.turn_ends(QUESTION, "KIND_EAGER")
        await asyncio.sleep(lead_s)
    ended = time.perf_counter()
    await g.turn_ends(QUESTION)
    utterance, _ = await g.said()
    took = time.perf_counter() - ended
    await g.hears(utterance)
    return took


@pytest.mark.parametrize("lead_s", [0.12, 0.4], ids=["shorter than the model needs", "longer than the model needs"])
async def test_the_caller_waits_less_by_what_the_model_began_earlier(tmp_path: Path, lead_s: float) -> None:
    async with house(tmp_path) as h:
        h.model.reply = lambda request: [TTFT_S, "Yes, we do."]
        g = await greeted(h)
        plain = await waited(g, None)
        ahead = await waited(g, lead_s)
        assert plain - ahead >= 0.5 * min(lead_s, TTFT_S)
        assert len(h.model.requests) == 2, "the round was not asked for again"
        assert [m.text for m in h.model.requests[1].messages][-1] == QUESTION


async def test_a_caller_who_goes_on_never_hears_of_it(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with house(tmp_path) as h:
        h.model.reply = lambda request: (
            ["Yes, we do. ", never] if request.messages[-1].text == QUESTION else ["Yes, for a week too."]
        )
        g = await greeted(h)
        before = counted("discarded")
        await g.speaks(QUESTION)
        await g.turn_ends(QUESTION, "KIND_EAGER")
        async with asyncio.timeout(PATIENCE_S):
            while not h.model.requests:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await g.turn_ends("", "KIND_RESUMED")
        async with asyncio.timeout(PATIENCE_S):
            while not h.model.closed:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert counted("discarded") == before + 1
        await g.speaks(f"{QUESTION} for a week")
        await g.turn_ends(f"{QUESTION} for a week")
        assert (await g.said())[1] == "Yes, for a week too."
        asked = h.model.requests[-1]
        assert [m.text for m in asked.messages][1:] == [f"{QUESTION} for a week"]
        week = f"{QUESTION} for a week"
        state = await g.state(lambda stored: any(line.caller_line.text == week for line in stored.state.history))
        stored = events_pb2.StoredCall.FromString(state)
        assert not stored.state.ahead.text
        assert not stored.state.ahead.held
        conductor = h.calls._conductors["CA1"]
        assert conductor.call is not None
        prompt = len("You answer the phone.") + len(QUESTION)
        assert conductor.call.tally.input_tokens >= 10 + prompt // 4, "the thrown away round is paid for, by estimate"


async def test_a_tool_of_a_speculation_is_done_when_the_turn_is_over_and_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.model.reply = lambda request: (
            ["Booked."]
            if request.messages[-1].role == llm_pb2.Message.ROLE_TOOL
            else ["One moment. ", llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}")]
        )
        g = await greeted(h)
        await g.speaks("book a visit")
        await g.turn_ends("book a visit", "KIND_EAGER")
        conductor = h.calls._conductors["CA1"]
        async with asyncio.timeout(PATIENCE_S):
            while not (conductor.call and conductor.call.ahead.complete):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert h.actions.executed == []
        await g.turn_ends("book a visit")
        assert (await g.said())[1] == "One moment. "
        assert (await g.said())[1] == "Booked."
        assert [e.intent for e in h.actions.executed] == [1]


async def test_an_agent_may_do_without(tmp_path: Path) -> None:
    async with house(tmp_path, agent=f"{AGENT}ahead: {{when: never}}\n") as h:
        g = await greeted(h)
        await g.speaks(QUESTION)
        await g.turn_ends(QUESTION, "KIND_EAGER")
        await g.turn_ends(f"{QUESTION} then")
        await g.said()
        assert len(h.model.requests) == 1
