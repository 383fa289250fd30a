"""A model that is away for a moment: its round is begun again until it is back, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import effects, events, history
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.effects import Execute, HangUp, Say, Stop, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.state import Answering, Epoch, Listening, Requests
from services.orchestrator.mind.timers import T
from tests.orchestrator.calls import POLICY, Script, of, replayed

PATIENT = replace(POLICY, retry_ms=5000, filler_ms=1000, fillers=("One moment.", "Let me see.", "Let me think."))
BOOK = ToolUse("c1", "book_visit", '{"day": "friday"}')
AWAY, LATE, REFUSED = "UNAVAILABLE", "DEADLINE_EXCEEDED", "FAILED_PRECONDITION"


def asks(text: str = "what are your hours") -> Script:
    call = Script(PATIENT)
    call.says(text)
    return call


def is_away(call: Script, for_ms: int, error: str = AWAY) -> list[int]:
    """Every try fails at once for so long; gives when they were made, from now on."""
    began, tries = call.at, []
    while call.at - began < for_ms and thought_of(call) is not None:
        if waits(call):
            call.wait(10)
        else:
            tries.append(call.at - began)
            call.finishes(error=error)
    return tries


def is_back(call: Script, text: str = "", tools: tuple[ToolUse, ...] = ()) -> list[effects.Effect]:
    """The next try is answered."""
    while waits(call):
        call.wait(10)
    return call.finishes(text, tools)


def hears_all(call: Script) -> list[effects.Effect]:
    """The caller hears all that is to be said, in its order."""
    out: list[effects.Effect] = []
    for line in history.unheard(call.state):
        out += call.hears(line.utterance)
    return out


def waits(call: Script) -> bool:
    """For its next try."""
    return T.AGAIN in {timer.id for timer in call.state.timers}


def thought_of(call: Script) -> object:
    return call.state.floor.thought if isinstance(call.state.floor, Answering) else None


def fillers(call: Script) -> list[str]:
    return [say.text for say in call.all_of(Say) if say.kind == "filler"]


def troubles(call: Script) -> int:
    return sum(say.text == PATIENT.trouble for say in call.all_of(Say))


def test_a_model_that_is_away_for_two_seconds_costs_the_wait_and_no_turn() -> None:
    call = asks()
    assert is_away(call, 2000) == [0, 0, 250, 750, 1500]
    assert fillers(call) == ["One moment."], "the caller is not left in silence"
    is_back(call, "From nine to six.")
    hears_all(call)
    assert isinstance(call.state.floor, Listening)
    assert [m.text for m in messages(call.state)][1:] == ["what are your hours", "From nine to six."]
    assert (troubles(call), call.state.failures) == (0, 0)
    assert replayed(call) == call.outputs


def test_a_model_that_stays_away_is_given_up_after_a_while() -> None:
    call = asks()
    assert is_away(call, 20_000) == [0, 0, 250, 750, 1500, 2500, 3500, 4500]
    assert troubles(call) == 1
    assert not waits(call)
    assert replayed(call) == call.outputs


def test_three_such_turns_end_the_call() -> None:
    call = asks()
    for _ in range(2):
        is_away(call, 20_000)
        hears_all(call)
        call.says("what are your hours")
    is_away(call, 20_000)
    assert call.all_of(Say)[-1].text == PATIENT.unavailable
    assert of(HangUp, hears_all(call))


@pytest.mark.parametrize("error", [LATE, "INTERNAL"])
def test_what_waiting_does_not_help_is_tried_once_more(error: str) -> None:
    call = asks()
    assert of(Think, call.finishes(error=error)) == [Think(2, 1, 0)]
    call.finishes(error=error)
    assert troubles(call) == 1


@pytest.mark.parametrize("error", [REFUSED, "INVALID_ARGUMENT", "PERMISSION_DENIED", "NOT_FOUND"])
def test_what_was_refused_as_it_is_is_not_sent_again(error: str) -> None:
    call = asks()
    assert not of(Think, call.finishes(error=error))
    assert troubles(call) == 1
    assert not waits(call)


def test_a_time_out_while_it_is_away_is_followed_by_one_more_try() -> None:
    call = asks()
    is_away(call, 760)
    call.wait(4000)
    assert of(Think, call.finishes(error=LATE))
    call.finishes(error=AWAY)
    assert troubles(call) == 1


def test_a_model_that_takes_no_more_requests_now_is_asked_again() -> None:
    call = asks()
    assert is_away(call, 1000, error="RESOURCE_EXHAUSTED") == [0, 250, 750], "never at once"
    is_back(call, "From nine to six.")
    assert troubles(call) == 0


def test_all_requests_of_a_turn_are_counted_and_then_there_are_enough() -> None:
    """A round may cost more than one: each engine, each form of the request."""
    call = asks()
    tries = 0
    while thought_of(call) is not None:
        if waits(call):
            call.wait(10)
        else:
            tries += 1
            call.finishes(error=AWAY, requests=3)
    assert tries == 3
    assert call.state.requests == Requests(2, 9)
    assert troubles(call) == 1
    hears_all(call)
    call.says("what are your hours")
    assert call.state.requests == Requests(3, 1), "the next turn has its own"
    assert replayed(call) == call.outputs


def test_rounds_after_tools_count_too_and_at_the_bound_the_caller_hears_that_it_failed() -> None:
    call = asks("book me in")
    call.finishes(tools=(BOOK,), requests=8)
    assert not of(Think, call.tool(1, '{"summary": "booked"}'))
    assert troubles(call) == 1


def test_an_agent_that_may_take_many_rounds_has_room_for_them() -> None:
    call = Script(replace(PATIENT, rounds=10))
    call.says("book me in")
    for intent in range(1, 11):
        call.finishes(tools=(BOOK,))
        call.tool(intent)
    assert call.thinks().tools_off
    assert troubles(call) == 0


def test_an_answer_that_broke_off_goes_on_when_the_model_is_back() -> None:
    call = asks()
    call.phrase("We are open ")
    call.wait(6000)
    call.sounds(2)
    is_away(call, 2000)
    assert all(think.continuing for think in call.all_of(Think)[1:]), "what was said is not said again"
    is_back(call, "from nine to six.")
    hears_all(call)
    assert [m.text for m in messages(call.state)][-2:] == ["We are open ", "from nine to six."]
    assert troubles(call) == 0
    assert replayed(call) == call.outputs


def test_a_filler_fills_the_gap_in_an_answer_once_its_words_were_heard() -> None:
    call = asks()
    call.phrase("We are open ")
    call.sounds(2)
    is_away(call, 1200)
    assert fillers(call) == [], "its words still sound"
    call.hears(2)
    is_away(call, 1200)
    assert fillers(call) == ["One moment."]
    is_back(call, "from nine to six.")
    hears_all(call)
    assert [m.text for m in messages(call.state)][-2:] == ["We are open ", "from nine to six."]


def test_an_answer_that_breaks_off_twice_is_given_up() -> None:
    """A model that fails in the middle each time must not talk for ever."""
    call = asks()
    for _ in range(2):
        call.phrase("We are open ")
        call.finishes(error=AWAY)
    assert troubles(call) == 1


def test_who_speaks_into_the_pause_ends_it() -> None:
    call = asks()
    is_away(call, 1000)
    call.starts()
    out = call.words("never mind what is the price")
    assert of(Stop, out)
    assert not waits(call)
    call.wait(3000)
    assert [think.turn for think in call.all_of(Think)] == [2] * 4, "nothing is thought of the old question any more"
    call.cut(call.state.utterance, 4)
    call.final("never mind what is the price")
    call.stops()
    assert of(Think, call.ends("never mind what is the price")) == [Think(3, 0, 0)]
    call.finishes("Ninety euros.")
    assert messages(call.state)[-1].text == "Ninety euros."


def test_a_caller_who_hangs_up_in_the_pause_is_not_thought_about() -> None:
    call = asks()
    is_away(call, 1000)
    asked = len(call.all_of(Think))
    call.hangs_up()
    call.wait(10_000)
    assert len(call.all_of(Think)) == asked


def test_what_a_failed_try_says_too_late_is_nobodys() -> None:
    call = asks()
    first = call.thinks()
    is_away(call, 300)
    call.phrase("We are open ", first)
    call.finishes("from nine to six.", think=first)
    assert call.all_of(Say)[1:] == []
    assert thought_of(call) is not None


def test_no_try_repeats_what_a_tool_did() -> None:
    call = asks("book me in")
    is_away(call, 700)
    assert of(Execute, is_back(call, tools=(BOOK,))) == [Execute(1, "book_visit", '{"day": "friday"}')]
    call.tool(1, '{"summary": "booked"}')
    is_away(call, 700)
    assert {think.round for think in call.all_of(Think)[-3:]} == {1}, "the round after the tool is begun again, alone"
    is_back(call, "You are booked.")
    assert troubles(call) == 0
    assert len(call.all_of(Execute)) == 1
    assert replayed(call) == call.outputs


def test_a_new_owner_asks_at_once_and_goes_on_behind_what_was_said() -> None:
    call = asks()
    call.phrase("We are open ")
    call.sounds(2)
    is_away(call, 1000)
    call.hears(2)
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=2)
    (think,) = of(Think, out)
    assert think.continuing
    asked = len(call.all_of(Think))
    call.wait(5000)
    assert len(call.all_of(Think)) == asked, "the old owner's pause is over"
    call.finishes("from nine to six.")
    assert messages(call.state)[-1].text == "from nine to six."


def test_a_fallen_owners_round_may_fail_too() -> None:
    call = asks()
    call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=1)
    is_away(call, 2000)
    is_back(call, "From nine to six.")
    assert troubles(call) == 0


@pytest.mark.parametrize("at_ms", range(0, 5000, 250))
def test_an_interruption_at_any_moment_of_the_outage_is_answered(at_ms: int) -> None:
    call = asks()
    is_away(call, at_ms)
    call.wait(at_ms % 100)
    if isinstance(call.state.floor, Answering) and call.state.utterance > 1:
        call.cut(call.state.utterance, 0)
    call.says("what is the price")
    call.wait(250)
    assert call.thinks() == Think(3, 0, 0)
    call.finishes("Ninety euros.")
    assert messages(call.state)[-1].text == "Ninety euros."
    assert replayed(call) == call.outputs
