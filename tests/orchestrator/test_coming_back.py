"""A caller whose leg is lost and who comes back on another: what he missed is made up for, and nothing more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.orchestrator import effects, events
from services.orchestrator.effects import Execute, HangUp, Say, Think
from services.orchestrator.history import messages
from services.orchestrator.state import Epoch, Listening, Outcome, ToolUse
from tests.orchestrator.calls import POLICY, Script, of, replayed

OWN = replace(POLICY, cut_off="Sorry, we were cut off.")


def lost(call: Script) -> None:
    call._feed(events.LegLost, reason="the gateway's stream ended")


def back(call: Script, **values: Any) -> list[effects.Effect]:
    """On the next leg, where the mouth knows nothing."""
    out = call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, **values)
    call.seq = 0
    assert replayed(call) == call.outputs
    return out


def said(out: list[effects.Effect]) -> list[str]:
    return [say.text for say in of(Say, out)]


def test_an_answer_that_broke_off_is_apologised_for_and_said_from_the_sentence_on_in_which_it_did() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.answers("We are open all week. On Sundays we open at ten.")
    call.at += 27 * OWN_PACE
    lost(call)
    out = back(call)
    assert said(out) == ["Sorry, we were cut off.", "On Sundays we open at ten."]
    assert not of(Think, out)
    call.hears(3)
    call.hears(4)
    assert isinstance(call.state.floor, Listening)
    answers = ["We are open all week. ", "Sorry, we were cut off.", "On Sundays we open at ten."]
    assert [m.text for m in messages(call.state)[2:]] == [text.rstrip() for text in answers]


def test_an_answer_cut_by_the_end_of_the_leg_is_made_up_for_all_the_same() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    utterance = call.answers("We are open all week. On Sundays we open at ten.")
    call.cut(utterance, 27)
    lost(call)
    assert said(back(call)) == ["Sorry, we were cut off.", "On Sundays we open at ten."]


def test_an_answer_that_was_still_being_made_is_continued_by_the_model() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.phrase("We are open all week. ")
    call.sounds(2)
    call.at += 21 * OWN_PACE
    lost(call)
    out = back(call)
    assert said(out) == ["Sorry, we were cut off."]
    (think,) = of(Think, out)
    assert think.continuing


def test_who_missed_nothing_is_told_nothing() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.hears(call.answers("We are open all week."))
    lost(call)
    assert not of(Say, back(call))
    assert isinstance(call.state.floor, Listening)


def test_who_waits_for_an_answer_gets_it_without_an_apology() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    lost(call)
    out = back(call)
    assert not of(Say, out)
    assert [think.continuing for think in of(Think, out)] == [False]


def test_an_answer_of_which_no_word_had_sounded_is_said_without_an_apology() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    lost(call)
    call.finishes("We are open all week.")
    assert said(back(call)) == ["We are open all week."]


def test_who_was_speaking_is_asked_to_say_it_again_and_what_was_final_is_kept() -> None:
    call = Script(OWN)
    call.starts()
    call.final("where is my order")
    call.words("number four")
    lost(call)
    assert said(back(call)) == [OWN.not_heard]
    call.hears(call.state.utterance)
    call.says("number four two")
    assert call.turns == ["where is my order number four two"]


def test_what_was_said_whole_is_answered_though_nobody_told_that_the_turn_was_over() -> None:
    call = Script(OWN)
    call.starts()
    call.final("where is my order")
    call.stops()
    lost(call)
    assert of(Think, back(call))
    assert call.turns == ["where is my order"]


def test_who_has_hung_up_is_not_greeted_again() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.answers("We are open all week.")
    call.hangs_up()
    out = back(call)
    assert [type(effect) for effect in out] == [HangUp]


def test_an_action_of_a_turn_that_was_interrupted_goes_on_after_a_change_of_owner() -> None:
    call = Script(OWN, effect_tools=("book_visit",))
    call.says("book me in")
    call.finishes("One moment.", tools=(ToolUse("c2", "book_visit", "{}"),))
    call.sounds(2)
    call.words("no wait a moment")
    call.cut(2, 4)
    call.ends("no wait a moment")
    call.hears(call.answers("Yes?"))
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=call.state.turn, utterance=call.state.utterance)
    assert [e.intent for e in of(Execute, out)] == [1]


def test_until_the_ledger_tells_rounds_have_no_tools_and_nothing_is_done() -> None:
    call = Script(OWN)
    call.says("book me in")
    call.finishes(tools=(ToolUse("c2", "book_visit", "{}"),))
    values: dict[str, Any] = {"turn": call.state.turn, "utterance": call.state.utterance}
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), unsettled=True, **values)
    assert not of(Execute, out)
    out = call.says("hello")
    assert not of(Execute, out)
    assert [think.tools_off for think in of(Think, out)] == [True]
    row = ToolUse("", "book_visit", "{}", 1, Outcome("ok", '{"summary": "booked"}'))
    out = call._feed(events.Settled, settled=(row,))
    assert not of(Execute, out)
    assert not call.state.unsettled
    assert replayed(call) == call.outputs


OWN_PACE = 70  # ms per character, of a voice not heard before
