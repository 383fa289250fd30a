"""What a model's vendor wants back is kept for the rounds of the turn, unread, by whoever owns the call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parley.agents.agent import Agent
from parley.bus.callstate import MAX_BYTES
from parley.v1 import llm_pb2
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.effects import Execute, Think
from services.orchestrator.mind.state import Answering, Call
from services.orchestrator.run import prompt, rounds
from services.orchestrator.run.metrics import CARRIES_LOST
from services.orchestrator.wire import codec
from tests.orchestrator.calls import POLICY, Script, of, replayed

ORDER = ToolUse("", "check_order_status", '{"order_number": "1234"}')
SIGNED = b"\x00signed\xff"


def given(call: Call, agent: Agent) -> bytes:
    return prompt.request(call, agent, "openai", [], Think(2, 0, 1), "").carry


@pytest.fixture
def agent() -> Agent:
    return Agent(name="a", company="c", greeting="hello", prompt="p", voice={"local": "en-us"})


def test_it_is_given_back_in_the_rounds_of_its_turn_and_no_longer(agent: Agent) -> None:
    call = Script()
    call.says("where is order 12")
    assert given(call.state, agent) == b""
    call.finishes(tools=(ORDER,), carry=SIGNED)
    assert of(Think, call.tool(1)) == [Think(2, 0, 1)]
    assert given(call.state, agent) == SIGNED
    call.finishes(tools=(ORDER,))
    call.tool(2)
    assert given(call.state, agent) == SIGNED, "a round that has nothing new takes nothing away"
    call.finishes(tools=(ORDER,), carry=SIGNED * 2)
    call.tool(3)
    assert given(call.state, agent) == SIGNED * 2
    call.hears(call.answers("It shipped."))
    call.says("thanks")
    assert given(call.state, agent) == b""
    assert replayed(call) == call.outputs


def test_another_owner_has_it(agent: Agent) -> None:
    call = Script()
    call.says("where is order 12")
    call.finishes(tools=(ORDER,), carry=SIGNED)
    assert given(codec.state_from_proto(codec.state_to_proto(call.state)), agent) == SIGNED


def test_what_was_thought_ahead_has_it(agent: Agent) -> None:
    call = Script(replace(POLICY, retrieve=False, ahead="eager"))
    call.starts()
    call.final("where is my order")
    call.eager()
    call.finishes(tools=(ORDER,), carry=SIGNED)
    assert given(call.state, agent) == b""
    assert of(Execute, call.ends("where is my order"))
    assert given(call.state, agent) == SIGNED


def test_a_call_that_is_full_to_the_brim_fits_with_it() -> None:
    call = Script()
    call.types("😀" * 4_000)
    big = replace(ORDER, arguments='{"a": "%s"}' % ("长" * 1_300))
    for intent in (1, 2, 3):
        call.finishes("长" * 2_000, tools=(big,), carry=b"x" * rounds.MAX_CARRY_BYTES)
        call.hears(call.state.utterance)
        call.tool(intent, "长" * 20_000)
        assert codec.state_to_proto(call.state).ByteSize() <= MAX_BYTES
    assert isinstance(call.state.floor, Answering)


@pytest.mark.parametrize("more", [0, 1])
def test_more_than_is_kept_is_dropped_and_counted(more: int) -> None:
    before = CARRIES_LOST._value.get()
    finish = llm_pb2.Finish(carry=b"x" * (rounds.MAX_CARRY_BYTES + more))
    assert rounds._kept(finish.carry) == (b"" if more else finish.carry)
    assert CARRIES_LOST._value.get() - before == more
