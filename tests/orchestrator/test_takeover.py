"""A call that changes its owner in the middle: nothing is said twice, done twice, or forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.effects import Execute, Say, Stop, Think
from services.orchestrator.mind.history import call_id, messages
from services.orchestrator.mind.state import Answering, Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

BOOK = ToolUse("c2", "book_visit", '{"day": "friday"}')


def taken_over(call: Script, **values: Any) -> list[effects.Effect]:
    values = {"epoch": Epoch(1, 2), "turn": call.state.turn, "utterance": call.state.utterance, **values}
    out = call._feed(events.TakenOver, **values)
    assert replayed(call) == call.outputs
    return out


def test_the_outcome_of_a_tool_is_told_though_the_words_before_it_were_complete() -> None:
    call = Script()
    call.says("book me in")
    call.finishes("One moment.", tools=(BOOK,))
    call.sounds(2)
    call.tool(1, '{"summary": "booked"}')
    out = taken_over(call, mouth_utterance=2, mouth_text="One moment.", mouth_complete=True, mouth_heard=3)
    assert [think.round for think in of(Think, out)] == [1]
    assert not of(Execute, out)


@pytest.mark.parametrize("words", ["", "One moment."])
@pytest.mark.parametrize("new_leg", [False, True])
def test_a_tool_that_came_to_its_end_while_nobody_had_the_call_is_told(words: str, new_leg: bool) -> None:
    call = Script()
    call.says("book me in")
    call.finishes(words, tools=(BOOK,))
    if words:
        call.sounds(2)
        call.hears(2)
    row = ToolUse("", "book_visit", '{"day": "friday"}', 1, Outcome("ok", '{"summary": "booked"}'))
    epoch = Epoch(2, 1) if new_leg else Epoch(1, 2)
    out = taken_over(call, epoch=epoch, new_leg=new_leg, settled=(row,))
    assert [think.round for think in of(Think, out)] == [1]
    assert not of(Execute, out)
    call.hears(call.answers("You are booked."))
    assert isinstance(call.state.floor, Listening)
    assert not of(Think, taken_over(call, epoch=Epoch(3, 1), settled=(row,)))


def test_a_tool_that_only_the_ledger_knows_is_told_and_not_done_again() -> None:
    call = Script()
    call.says("book me in")
    row = ToolUse("", "book_visit", '{"day": "friday"}', 1, Outcome("ok", '{"summary": "booked"}'))
    out = taken_over(call, settled=(row,), utterance=1)
    assert [think.round for think in of(Think, out)] == [1]
    assert not of(Execute, out)
    called, told = messages(call.state)[-2:]
    assert call_id(called.tools[0]) == told.tool_id
    assert told.text == '{"summary": "booked"}'
    assert not of(Execute, call.finishes(tools=(BOOK,))), "the same call twice in a turn is one"
    out = call.finishes(tools=(replace(BOOK, arguments='{"day": "monday"}'),))
    assert [e.intent for e in of(Execute, out)] == [3]


def test_a_tool_that_only_the_ledger_knows_and_still_runs_is_waited_for() -> None:
    call = Script()
    call.says("book me in")
    out = taken_over(call, settled=(ToolUse("", "book_visit", '{"day": "friday"}', 1),), utterance=1)
    assert of(Execute, out) == [Execute(1, "book_visit", '{"day": "friday"}')]
    assert of(Think, call.tool(1, '{"summary": "booked"}'))


def test_a_goodbye_that_only_the_ledger_knows_still_ends_the_call() -> None:
    call = Script()
    call.says("goodbye")
    row = ToolUse("", "end_call", "{}", 1, Outcome("ok", then=Then("hang_up")))
    taken_over(call, settled=(row,), utterance=1)
    out = call.hears(call.answers("Goodbye."))
    assert of(effects.HangUp, out)


def test_words_that_wait_in_the_mouth_behind_others_are_remembered_when_heard() -> None:
    call = Script()
    call.says("book me in")
    call.finishes("One moment.", tools=(BOOK,))
    call.sounds(2)
    call.tool(1)
    call.finishes("You are booked.")
    out = taken_over(call, mouth_utterance=2, mouth_text="One moment.", mouth_complete=True, mouth_heard=3)
    assert not of(Think, out)
    assert not of(Say, out)
    call.hears(2)
    call.hears(3)
    assert isinstance(call.state.floor, Listening)
    assert messages(call.state)[-1].text == "You are booked."
    assert not messages(call.state)[-1].interrupted


def test_an_answer_that_was_heard_to_its_end_while_nobody_owned_the_call_is_not_said_again() -> None:
    call = Script()
    call.says("what are your hours")
    call.phrase("We are open ")
    out = taken_over(call, utterance=2)
    assert not of(Think, out)
    call._feed(events.Heard, seq=True, utterance=2, chars=24, complete=True, text="We are open all day long")
    assert isinstance(call.state.floor, Listening)
    assert messages(call.state)[-1].text == "We are open all day long"


def test_words_that_never_reached_the_mouth_are_said_now() -> None:
    call = Script()
    call.says("what are your hours")
    call.finishes("We are open all day.")
    out = taken_over(call, utterance=1)
    assert [(s.utterance, s.text, s.complete) for s in of(Say, out)] == [(2, "We are open all day.", True)]
    assert not of(Think, out)


def test_words_that_are_newer_than_a_state_that_still_looked_something_up_are_ended() -> None:
    """An utterance without an end keeps the mouth from saying anything else."""
    call = Script(replace(POLICY, retrieve=True))
    call.says("what are your hours")
    assert isinstance(call.state.floor, Answering)
    assert call.state.floor.looking_for
    out = taken_over(call, utterance=1, mouth_utterance=2, mouth_text="We are open ", mouth_heard=4)
    assert [(s.utterance, s.text, s.complete) for s in of(Say, out)] == [(2, "", True)]
    assert [think.continuing for think in of(Think, out)] == [True]


def test_the_end_of_an_utterance_that_did_not_reach_the_mouth_is_said_now() -> None:
    call = Script()
    call.says("what are your hours")
    call.phrase("We are open ")
    call.finishes("all day.")
    out = taken_over(call, mouth_utterance=2, mouth_text="We are open ", mouth_heard=4)
    assert [(s.utterance, s.text, s.complete) for s in of(Say, out)] == [(2, "all day.", True)]
    assert not of(Think, out)


def test_a_stop_that_did_not_arrive_is_said_again() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six.")
    call.words("no wait")
    out = taken_over(call, mouth_utterance=utterance, mouth_text="We are open from nine to six.", mouth_heard=9)
    assert of(Stop, out) == [Stop(2)]


def test_a_caller_whose_silence_began_unseen_is_asked_all_the_same() -> None:
    call = Script()
    call.starts()
    taken_over(call)
    call.wait(POLICY.away_ms)
    assert of(Say, call.last)[0].text == "Are you still there?"
