"""Stories about a yes: what is done is what this yes was for, and nothing is done without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.effects import Execute, Say
from services.orchestrator.mind.state import Epoch
from tests.heldout_guards.asking import ARGUMENTS, ASKING, CANCEL, CLOSE, QUESTION, Asked, executed
from tests.orchestrator.calls import of

FOUR = '{"day": "2026-12-01", "at": "16:00"}'
AT_FOUR = "Shall I cancel your appointment on Tuesday at four?"
DONE = ToolUse("", "cancel_visit", ARGUMENTS, 2, Outcome("ok", '{"summary": "cancelled"}'))
PUSH = replace(ASKING, push_to_talk=True)


def unheard() -> Asked:
    """The question is about to be said."""
    call = Asked()
    call.wants()
    call.asks()
    return call


def half(chars: int = 12) -> Asked:
    """The question has begun to sound."""
    call = unheard()
    call.sounds(2)
    call.reaches(2, chars)
    return call


def presses(call: Asked, *words: str) -> None:
    call.holds()
    call.starts()
    for each in words:
        call.final(each)
    call.lets_go()
    call.ends(" ".join(words))


def pushed() -> Asked:
    call = Asked(PUSH)
    presses(call, "cancel my appointment")
    call.finishes("", tools=(CANCEL,))
    return call


def test_a_yes_does_what_was_asked_and_once() -> None:
    call = Asked().asked()
    call.says("yes please")
    call.says("yes")
    call.tool(2, '{"summary": "cancelled"}')
    call.says("yes do it")
    assert call.done == [(2, "cancel_visit", ARGUMENTS, "d1")]
    call.ends_with("d1")


@pytest.mark.parametrize(
    "words",
    ["no", "okay", "uh-huh", "right", "", "yes but not tuesday", "is it free", "shall I cancel your appointment",
     "yes if it's free", "yes wait", "hello", "never mind", "yesterday"],
)  # fmt: skip
def test_what_is_no_yes_does_nothing(words: str) -> None:
    call = Asked().asked()
    call.says(words)
    call.ends_with()


def test_a_yes_before_there_is_a_question() -> None:
    call = Asked()
    call.wants()
    call.says("yes")
    call.asks(1)
    call.heard()
    call.ends_with()


def test_a_typed_yes_before_there_is_a_question() -> None:
    call = Asked()
    call.wants()
    call.types("yes")
    call.asks(1)
    call.heard()
    call.ends_with()


@pytest.mark.parametrize("channel", ["phone", "web"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_yes_before_the_question_sounds(channel: str, typed: bool) -> None:
    call = Asked(channel=channel)
    call.wants()
    call.asks()
    if typed:
        call.types("yes")
    else:
        call.says("yes")
    call.ends_with()


@pytest.mark.parametrize("chars", [0, 5, 30, len("Shall I cancel your appointment on Tue")])
def test_a_yes_that_cuts_the_question(chars: int) -> None:
    call = half()
    call.starts()
    call.words("yes")
    call.wait(600)
    call.cut(2, chars)
    call.final("yes")
    call.stops()
    call.ends("yes")
    call.ends_with()


@pytest.mark.parametrize("chars", [len(QUESTION) - 9, len(QUESTION) - 1, len(QUESTION)])
def test_a_yes_over_its_last_two_words(chars: int) -> None:
    call = half()
    call.cut(2, chars)
    call.says("yes")
    call.ends_with("d1")


def test_a_question_of_which_nothing_could_be_spoken() -> None:
    call = half(0)
    call._feed(events.Heard, seq=True, utterance=2, chars=0, cut=True, failed=True)
    call.says("yes")
    call.ends_with()


def test_a_yes_to_the_words_before_the_question() -> None:
    call = Asked()
    call.wants(words="Do you like coffee?")
    call.asks()
    call.hears(2)
    call.says("yes")
    call.ends_with()


def test_a_yes_to_another_sentence_of_the_bot() -> None:
    call = Asked().asked()
    call.says("how much is it")
    call.finishes("It costs nothing. Would you like a coffee?")
    call.sounds(call.state.utterance - 1)
    call.says("yes")
    call.ends_with()


def test_a_yes_to_a_sentence_that_is_still_being_thought() -> None:
    call = Asked().asked()
    call.says("how much is it")
    call.phrase("Would you like a coffee? ")
    call.hears(call.state.utterance)
    call.says("yes")
    call.ends_with()


def test_a_yes_to_the_question_behind_an_answer() -> None:
    call = Asked().asked()
    call.says("how much is it")
    call.finishes("It costs nothing.")
    call.heard()
    call.says("yes")
    call.ends_with("d1")


def test_are_you_still_there() -> None:
    call = Asked().asked()
    call.wait(8100)
    away = call.state.utterance
    assert QUESTION in call.all_of(Say)[-1].text
    call.sounds(away)
    call.cut(away, len("Are you still there? "))
    call.says("yes")
    call.ends_with()


def test_silence_is_no_yes_however_long() -> None:
    call = Asked().asked()
    for _ in range(8):
        call.wait(8100)
        call.heard()
    call.says("yes")
    call.ends_with()
    assert call.questions <= 3


def test_unclear_answers_end_after_three_questions() -> None:
    call = Asked().asked()
    for _ in range(5):
        call.says("okay")
        call.heard()
    call.says("yes")
    call.ends_with()
    assert call.questions == 3


def test_the_third_question_may_be_answered() -> None:
    call = Asked().asked()
    for _ in range(2):
        call.says("okay")
        call.heard()
    call.says("yes")
    call.ends_with("d1")


def test_no_stays_no() -> None:
    call = Asked().asked()
    call.says("no")
    call.says("yes")
    call.finishes("Then not.")
    call.heard()
    call.says("yes")
    call.ends_with()


def test_of_two_tools_the_one_that_was_asked_about() -> None:
    call = Asked()
    call.wants(CANCEL, CLOSE)
    call.asks(1, "d1")
    call.asks(2, "d2", "Shall I close the account?")
    call.heard()
    call.says("yes")
    assert [(name, digest) for _, name, _, digest in call.done] == [("cancel_visit", "d1")]
    call.says("yes")
    call.ends_with("d1")


def test_another_tool_in_place_of_the_one_that_was_asked_about() -> None:
    call = Asked().asked()
    call.says("how much is it")
    call.finishes("", tools=(CLOSE,))
    call.says("yes")
    call.asks(2, "d2", "Shall I close the account?")
    call.ends_with()


def test_the_model_calls_it_again_and_the_yes_is_for_the_second_question() -> None:
    call = Asked().asked()
    call.says("how much is it")
    call.finishes("", tools=(ToolUse("c3", "cancel_visit", FOUR),))
    call.asks(2, "d2", AT_FOUR)
    call.heard()
    call.says("yes")
    assert call.done == [(3, "cancel_visit", FOUR, "d2")]
    call.ends_with("d2")


def test_what_was_put_right_is_asked_about_again_and_done() -> None:
    call = Asked().asked()
    out = call.says("no make it four")
    assert [(e.arguments, e.confirmed) for e in of(Execute, out)] == [(FOUR, "")]
    call.asks(2, "d2", AT_FOUR)
    call.heard()
    call.says("yes")
    assert call.done == [(3, "cancel_visit", FOUR, "d2")]
    call.ends_with("d2")


@pytest.mark.parametrize("chars", [None, 0, 10])
def test_a_yes_before_what_was_put_right_was_heard(chars: int | None) -> None:
    call = Asked().asked()
    call.says("no make it four")
    call.asks(2, "d2", AT_FOUR)
    if chars is not None:
        call.sounds(3)
        call.cut(3, chars)
    call.says("yes")
    call.ends_with()


def test_what_was_put_right_can_not_be_done() -> None:
    call = Asked().asked()
    call.says("no make it four")
    call.tool(2, "", status="failed")
    call.finishes("Four is taken. Would you like another time?")
    call.heard()
    call.says("yes")
    call.ends_with()


def test_the_tools_service_asks_once_more_on_a_yes() -> None:
    call = Asked().asked()
    call.says("yes")
    call.asks(2, "d9", "Shall I cancel it for ten dollars?")
    call.ends_with("d1")
    call.heard()
    call.says("no")
    call.ends_with("d1")


def test_an_interim_yes_that_ends_as_a_no() -> None:
    call = Asked().asked()
    call.starts()
    call.words("yes")
    call.final("no")
    call.stops()
    call.ends("no")
    call.ends_with()


@pytest.mark.parametrize("ahead", ["never", "always"])
def test_an_eager_end_does_nothing(ahead: str) -> None:
    call = Asked(replace(ASKING, ahead=ahead)).asked()
    call.starts()
    call.words("yes")
    call.final("yes")
    assert not executed(call.eager("yes"))
    call.wait(1000)
    assert not executed(call.resumed())
    call.final("but not the one on tuesday")
    call.stops()
    call.ends("yes but not the one on tuesday")
    call.ends_with()


def test_a_yes_and_its_but_in_two_finals() -> None:
    call = Asked().asked()
    call.starts()
    call.final("yes")
    call.final("wait no")
    call.stops()
    call.ends("yes wait no")
    call.ends_with()


def test_a_yes_that_is_told_twice() -> None:
    call = Asked().asked()
    call.says("yes")
    call.feed(call.inputs[-1])
    call.ends_with("d1")


def test_words_of_an_older_turn_that_come_late() -> None:
    call = unheard()
    call.hears(2)
    call.turn -= 1
    call.final("yes")
    call.ends("yes")
    call.ends_with()


def test_typed() -> None:
    call = Asked(channel="web").asked()
    call.types("yes")
    call.types("yes")
    call.ends_with("d1")


def test_said_yes_and_typed_no() -> None:
    call = Asked().asked()
    call.starts()
    call.final("yes")
    call.types("no")
    call.ends("yes")
    call.ends_with()


def test_push_to_talk() -> None:
    call = pushed()
    call.asks()
    call.hears(2)
    call.says("yes")  # nobody presses the button
    call.ends_with()
    presses(call, "yes")
    call.ends_with("d1")


def test_push_to_talk_over_the_question() -> None:
    call = pushed()
    call.asks()
    call.sounds(2)
    call.holds()
    call.cut(2, 10)
    call.final("yes")
    call.lets_go()
    call.ends("yes")
    call.ends_with()


def test_push_to_talk_before_the_question() -> None:
    call = pushed()
    call.holds()
    call.asks(1)
    call.final("yes")
    call.lets_go()
    call.ends("yes")
    call.heard()
    call.ends_with()


def test_push_to_talk_with_both_in_one_press() -> None:
    call = pushed()
    call.asks()
    call.hears(2)
    presses(call, "yes", "no wait")
    call.ends_with()


def test_hung_up() -> None:
    call = Asked().asked()
    call.hangs_up()
    call.says("yes")
    call.types("yes")
    call.ends_with()


def test_the_owner_dies_before_the_question() -> None:
    call = Asked()
    call.wants()
    call.new_owner()
    call.says("yes")
    call.asks(1)
    call.ends_with()


def test_the_owner_dies_before_the_question_and_the_next_asks() -> None:
    call = Asked()
    call.wants()
    call.new_owner()
    call.asks(1)
    call.heard()
    call.says("yes")
    call.ends_with("d1")


@pytest.mark.parametrize("heard", [0, 12, 30])
@pytest.mark.parametrize("new_leg", [False, True])
def test_the_owner_dies_while_the_question_sounds(heard: int, new_leg: bool) -> None:
    call = half(heard)
    mouth = {"mouth_utterance": 2, "mouth_text": QUESTION, "mouth_complete": True, "mouth_heard": heard}
    call.new_owner(epoch=Epoch(1 + new_leg, 2), new_leg=new_leg, **mouth)
    call.says("yes")
    call.ends_with()


def test_a_new_leg_hears_the_question_and_says_yes() -> None:
    call = half()
    mouth = {"mouth_utterance": 2, "mouth_text": QUESTION, "mouth_complete": True, "mouth_heard": 12}
    call.new_owner(epoch=Epoch(2, 1), new_leg=True, **mouth)
    call.hears(call.state.utterance)
    call.says("yes")
    call.ends_with("d1")


def test_the_owner_dies_between_question_and_yes() -> None:
    call = Asked().asked()
    call.new_owner()
    call.says("yes")
    call.ends_with("d1")


def test_the_owner_dies_after_an_interim_yes() -> None:
    call = Asked().asked()
    call.starts()
    call.words("yes")
    call.new_owner()
    call.final("no")
    call.ends("no")
    call.ends_with()


@pytest.mark.parametrize("settled", [(), (DONE,), (replace(DONE, outcome=Outcome("unknown")),)])
@pytest.mark.parametrize("late", [False, True])
def test_owners_die_between_yes_and_result(settled: tuple[ToolUse, ...], late: bool) -> None:
    call = Asked().asked()
    call.says("yes")
    if late:
        call.new_owner(unsettled=True)
        call._feed(events.Settled, settled=settled)
    else:
        call.new_owner(settled=settled)
    call.says("yes")
    call.new_owner(epoch=Epoch(1, 3), settled=settled)
    call.tool(2)
    call.tool(2)
    call.says("yes")
    assert {e.intent for e in call.all_of(Execute) if e.confirmed} == {2}
    call.ends_with("d1")


def test_the_owner_dies_after_a_no() -> None:
    call = Asked().asked()
    call.says("no")
    call.new_owner()
    call.says("yes")
    call.ends_with()


def test_a_voice_of_another_owner_says_it_was_heard_though_it_was_not_this_question() -> None:
    call = half()
    call.hears(1)
    call._feed(events.Heard, seq=True, utterance=9, chars=500, complete=True)
    call.says("yes")
    call.ends_with()
