"""What leaves the mind: words that wait for the caller to be quiet are the same words when they leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.effects import Execute, Say, Think
from services.orchestrator.mind.state import Epoch
from services.orchestrator.mind.timers import T
from services.orchestrator.mind.turn import _TIMERS
from tests.orchestrator.calls import POLICY, Script, of

ASKS = "What is your order number?"


def held(push_to_talk: bool = False) -> Script:
    """The caller makes a sound when the bot is about to ask."""
    call = Script(replace(POLICY, push_to_talk=push_to_talk))
    call.says("where is my order")
    call.wait(100)
    call.starts()
    assert of(Say, call.finishes(ASKS)) == []
    return call


def test_a_question_that_waits_asks_for_the_same_answer_when_it_is_said() -> None:
    plain = Script()
    plain.says("where is my order")
    (at_once,) = of(Say, plain.finishes(ASKS))
    call = held()
    call.stops()
    call.wait(3000)
    (later,) = [say for out in call.outputs for say in of(Say, out) if say.text == ASKS]
    assert at_once.expect == later.expect == "digits"
    assert replace(later, turn=at_once.turn, utterance=at_once.utterance) == at_once


def test_lines_that_wait_leave_in_their_order_and_once() -> None:
    call = held()
    think = call.thinks()
    del think
    call.stops()
    call.wait(3000)
    said = [say for out in call.outputs for say in of(Say, out) if say.turn == 2]
    assert [say.text for say in said] == [ASKS]
    assert call.state.said == call.state.utterance


def test_while_an_older_owners_deeds_are_not_known_nothing_is_done_and_rounds_go_without_tools() -> None:
    call = Script()
    call.says("book a visit")
    call.finishes(tools=(ToolUse("c1", "book_visit", "{}"),))
    out = call.feed(events.TakenOver(at_ms=call.at, epoch=Epoch(1, 2), turn=call.state.turn, unsettled=True))
    assert of(Execute, out) == []
    call.says("and what does it cost")
    assert all(think.tools_off for think in of(Think, call.last))
    out = call.feed(events.Settled(at_ms=call.at))
    assert [run.name for run in of(Execute, out)] == ["book_visit"]


@pytest.mark.parametrize("timer", list(T))
def test_every_timer_has_what_it_does(timer: T) -> None:
    assert timer in _TIMERS
    assert len(_TIMERS) == len(T)
