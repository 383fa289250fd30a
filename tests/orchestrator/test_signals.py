"""What people and watchers want of a call, from outside: through the pure core."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Ask, Note, Outcome, Then, ToolUse
from services.orchestrator.mind.effects import (
    Confirmation,
    Effect,
    HangUp,
    Say,
    Signalled,
    Stop,
    Store,
    Think,
    Transfer,
)
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.outside.signals import MAX_NOTE_BYTES, MAX_NOTES, MAX_REMEMBERED
from services.orchestrator.mind.state import Epoch
from services.orchestrator.mind.turn import step
from services.orchestrator.wire import codec
from tests.orchestrator.calls import POLICY, Script, of, replayed

PEOPLE = "+15550100"
ASK, SAY = "Would you like a colleague?", "I will connect you."
OFFERS = replace(POLICY, escalation="offer", escalation_to=PEOPLE, escalation_ask=ASK, escalation_say=SAY)
GIVES = replace(OFFERS, escalation="transfer")
BOOK = ToolUse("c1", "book_visit", "{}")


def signal(call: Script, name: str, data: str = "", number: str = "") -> list[Effect]:
    return call._feed(events.Signal, name=name, data=data, id=number)


def outcome(out: list[Effect]) -> str:
    (told,) = of(Signalled, out)
    return str(told.outcome)


def said(out: list[Effect]) -> list[str]:
    return [say.text for say in of(Say, out)]


def takes_over(call: Script, open_: int = 2) -> list[Effect]:
    """Another owner goes on, with what was stored."""
    call.call = codec.state_from_proto(codec.state_to_proto(call.state))
    return call._feed(events.TakenOver, epoch=Epoch(1, open_), utterance=call.state.utterance)


# hang_up


def test_a_call_is_hung_up_after_what_is_being_said() -> None:
    call = Script()
    call.says("where are you")
    utterance = call.answers("At twelve Market Street.")
    out = signal(call, "hang_up", "abuse")
    assert (outcome(out), of(HangUp, out)) == ("done", [])
    assert of(HangUp, call.hears(utterance)) == [HangUp("abuse")]
    assert replayed(call) == call.outputs


def test_two_people_who_hang_up_at_once_end_the_call_once() -> None:
    call = Script()
    assert of(HangUp, signal(call, "hang_up", "abuse", "s1")) == [HangUp("abuse")]
    assert outcome(signal(call, "hang_up", "abuse", "s1")) == "duplicate"
    assert outcome(signal(call, "hang_up", "spam", "s2")) == "duplicate"
    assert len(call.all_of(HangUp)) == 1
    assert call.state.signals == ("s1", "s2")


def test_what_is_wanted_of_a_call_that_has_ended_changes_nothing() -> None:
    call = Script()
    call.hangs_up()
    before = call.state
    for name in ("hang_up", "transfer", "note", "escalate"):
        assert signal(call, name, PEOPLE, name) == []
    assert call.state == before


# transfer


def test_a_supervisor_takes_the_caller_at_once() -> None:
    call = Script(OFFERS)
    call.says("where are you")
    utterance = call.answers("We are at twelve Market Street, and that is a long story to tell.")
    out = signal(call, "transfer", "+15550777")
    assert of(Stop, out)
    assert said(out) == [SAY]
    call.cut(utterance, 12)
    call.says("no wait")
    out = call.hears(call.state.utterance)
    assert of(Transfer, out) == [Transfer("+15550777", "a supervisor wanted it")], "nobody keeps it from that"
    assert replayed(call) == call.outputs


def test_a_supervisor_takes_a_caller_who_has_the_floor() -> None:
    call = Script(OFFERS)
    assert said(signal(call, "transfer", "+15550777")) == [SAY]
    assert of(Transfer, call.hears(call.state.utterance))


def test_without_a_number_it_is_the_agents_own() -> None:
    call = Script(replace(POLICY, transfer_to=PEOPLE))
    assert of(Transfer, signal(call, "transfer")) == [Transfer(PEOPLE, "a supervisor wanted it")]


@pytest.mark.parametrize("number", ["", "555", "+0155501000", "sip:x@y", "+15550100 ; +15550200"])
def test_what_is_no_number_is_refused(number: str) -> None:
    call = Script()
    assert outcome(signal(call, "transfer", number)) == "refused"
    assert call.state.then is None


def test_of_two_transfers_the_first_counts_and_a_hang_up_more() -> None:
    call = Script(OFFERS)
    signal(call, "transfer", "+15550777")
    assert outcome(signal(call, "transfer", "+15550777")) == "duplicate"
    assert outcome(signal(call, "transfer", "+15550888")) == "refused"
    assert outcome(signal(call, "hang_up", "it was a mistake")) == "done"
    out = call.hears(call.state.utterance)
    assert (of(HangUp, out), of(Transfer, out)) == ([HangUp("it was a mistake")], [])
    assert outcome(signal(call, "transfer", PEOPLE)) == "refused", "it is ending"


def test_a_new_owner_goes_on_with_the_transfer() -> None:
    call = Script(OFFERS)
    signal(call, "transfer", "+15550777", "s1")
    takes_over(call)
    assert outcome(signal(call, "transfer", "+15550777", "s1")) == "duplicate"
    assert of(Transfer, call.hears(call.state.utterance)) == [Transfer("+15550777", "a supervisor wanted it")]
    assert len(call.all_of(Transfer)) == 1


# note


def test_a_note_is_kept_for_the_model_and_said_by_nobody() -> None:
    call = Script()
    call.says("that is too expensive")
    out = signal(call, "note", "offer  ten\npercent", "s1")
    assert (outcome(out), said(out), of(Think, out)) == ("done", [], [])
    assert of(Store, out)
    assert call.state.notes == (Note("offer ten percent", call.at),)
    takes_over(call)
    assert [note.text_pii for note in call.state.notes] == ["offer ten percent"]
    assert all("ten percent" not in message.text for message in messages(call.state))


def test_notes_are_few_and_short() -> None:
    call = Script()
    for n in range(MAX_NOTES + 2):
        signal(call, "note", f"{n} " + "é" * MAX_NOTE_BYTES, f"s{n}")
    assert [note.text_pii[0] for note in call.state.notes] == ["2", "3", "4", "5"]
    assert all(len(note.text_pii.encode()) <= MAX_NOTE_BYTES for note in call.state.notes)
    assert outcome(signal(call, "note", " \n ")) == "refused"


def test_ids_are_remembered_for_a_while_and_a_name_that_nobody_knows_is_recorded() -> None:
    call = Script()
    for n in range(MAX_REMEMBERED + 3):
        signal(call, "note", "x", f"s{n}")
    assert len(call.state.signals) == MAX_REMEMBERED
    before = call.state
    assert signal(call, "sing", "la la", "s99") == [Signalled("another", "recorded")]
    assert call.state == before


# escalate


def test_unless_the_agent_says_more_people_are_shown_it_and_the_caller_hears_nothing() -> None:
    call = Script()
    out = signal(call, "escalate", "three angry turns", "s1")
    assert (outcome(out), said(out)) == ("shown", [])
    assert (call.state.escalated.why, call.state.escalated.times) == ("three angry turns", 1)
    signal(call, "escalate", "still angry", "s2")
    assert (call.state.escalated.why, call.state.escalated.times) == ("still angry", 2)


def test_an_agent_that_wants_nothing_of_it_gets_nothing() -> None:
    call = Script(replace(POLICY, escalation="nothing"))
    assert outcome(signal(call, "escalate", "angry")) == "recorded"
    assert call.state.escalated.times == 0


def offered() -> Script:
    """A call in which the offer was just heard, behind the answer."""
    call = Script(OFFERS)
    call.says("it is still broken")
    out = signal(call, "escalate", "three angry turns", "s1")
    assert (outcome(out), said(out)) == ("done", []), "not into the answer"
    call.finishes("I am sorry to hear that.")
    assert said(call.last) == ["I am sorry to hear that.", ASK]
    (_, say) = of(Say, call.last)
    assert say.expect == "yes_no"
    call.hears(say.utterance - 1)
    call.hears(say.utterance)
    return call


@pytest.mark.parametrize("owner", ["the same", "another"])
def test_who_says_yes_to_a_colleague_is_connected(owner: str) -> None:
    call = offered()
    if owner == "another":
        takes_over(call)
        assert outcome(signal(call, "escalate", "three angry turns", "s1")) == "duplicate"
    out = call.says("yes please")
    assert said(out) == [SAY]
    assert of(Confirmation, out) == [Confirmation("yes")]
    assert not of(Think, out)
    assert of(Transfer, call.hears(call.state.utterance)) == [Transfer(PEOPLE, "escalated: three angry turns")]
    if owner == "the same":
        assert replayed(call) == call.outputs


def test_who_says_no_is_answered_by_the_model() -> None:
    call = offered()
    out = call.says("no")
    assert of(Think, out)
    assert call.state.pending is None
    call.hears(call.answers("All right. What does the display say?"))
    assert not call.all_of(Transfer)
    assert [m.text for m in messages(call.state)][-3:] == [ASK, "no", "All right. What does the display say?"]


def test_who_speaks_of_something_else_is_not_asked_again() -> None:
    call = offered()
    out = call.says("the display says forty one")
    assert of(Think, out)
    call.hears(call.answers("Then press reset."))
    assert sum(text == ASK for out in call.outputs for text in said(out)) == 1


def test_a_caller_who_is_silent_is_offered_it_at_once_and_one_who_speaks_behind_the_next_answer() -> None:
    call = Script(OFFERS)
    assert said(signal(call, "escalate", "sad")) == [ASK]
    call = Script(OFFERS)
    call.starts()
    call.words("it is")
    assert said(signal(call, "escalate", "sad")) == []
    takes_over(call)
    call.final("it is still broken")
    call.stops()
    call.ends("it is still broken")
    call.finishes("Oh no.")
    assert said(call.last) == ["Oh no.", ASK]


def test_people_are_offered_twice_in_a_call_and_not_while_they_are() -> None:
    call = offered()
    assert outcome(signal(call, "escalate", "angry")) == "shown", "it is being asked"
    call.says("no")
    call.hears(call.answers("All right."))
    assert said(signal(call, "escalate", "angry again")) == [ASK]
    call.hears(call.state.utterance)
    call.says("no")
    call.hears(call.answers("All right."))
    assert outcome(signal(call, "escalate", "angry again")) == "shown"


def test_a_question_that_a_tool_waits_for_comes_first() -> None:
    call = Script(OFFERS, effect_tools=("book_visit",))
    call.says("book me in")
    call.finishes("", tools=(BOOK,))
    call._feed(events.ToolEnded, intent=1, outcome=Outcome("ask", ask=Ask("Shall I book Tuesday?", "d1")))
    call.hears(call.state.utterance)
    assert said(signal(call, "escalate", "angry")) == []
    call.says("yes")
    call.tool(2)
    call.finishes("You are booked.")
    assert said(call.last) == ["You are booked.", ASK]


def test_where_the_agent_gives_such_callers_away_they_are_told_so() -> None:
    call = Script(GIVES)
    call.says("it is still broken")
    signal(call, "escalate", "three angry turns", "s1")
    call.finishes("I am sorry.")
    assert said(call.last) == ["I am sorry.", SAY]
    call.hears(call.state.utterance - 1)
    assert of(Transfer, call.hears(call.state.utterance)) == [Transfer(PEOPLE, "escalated: three angry turns")]
    assert replayed(call) == call.outputs


def test_a_supervisor_who_takes_the_call_leaves_nothing_to_offer() -> None:
    call = Script(OFFERS)
    call.says("it is still broken")
    signal(call, "escalate", "angry")
    signal(call, "transfer", "+15550777")
    assert call.state.escalated.due == ""
    out = call.hears(call.state.utterance)
    assert (of(Transfer, out), ASK in said(out)) == ([Transfer("+15550777", "a supervisor wanted it")], False)


def test_a_call_that_is_about_to_end_is_not_offered_anything() -> None:
    call = Script(OFFERS)
    call.says("goodbye")
    call.finishes("", tools=(ToolUse("c", "end_call", "{}"),))
    call.tool(1, then=Then("hang_up"))
    assert outcome(signal(call, "escalate", "angry")) == "shown"


def test_a_tool_of_that_name_is_no_offer() -> None:
    """An agent's own consequential tool may be called so."""
    call = Script(OFFERS)
    call.says("escalate my ticket")
    call.finishes("", tools=(ToolUse("c", "escalate", "{}"),))
    call._feed(events.ToolEnded, intent=1, outcome=Outcome("ask", ask=Ask("Shall I escalate it?", "d1")))
    call.hears(call.state.utterance)
    call.says("yes")
    assert not call.all_of(Transfer)
    assert call.state.then is None


def test_a_record_of_before_signals_had_ids_replays() -> None:
    call = Script()
    signal(call, "hang_up", "abuse")
    old = codec.event_from_proto(codec.event_to_proto(events.Signal(at_ms=1, name="hang_up", data="x")))
    assert old == events.Signal(at_ms=1, name="hang_up", data="x")
    _, out = step(call.state, old)
    assert outcome(out) == "duplicate"
