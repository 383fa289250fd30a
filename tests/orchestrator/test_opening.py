"""A call in which the caller speaks first."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events
from services.orchestrator.mind.effects import Say, StartTimer, Think
from services.orchestrator.mind.state import Epoch
from tests.orchestrator.calls import POLICY, Script, of, replayed

FIRST = replace(POLICY, caller_first_ms=5000)


def waiting(**opened: object) -> Script:
    return Script(FIRST, greet=False, **opened)


def said(call: Script) -> list[str]:
    return [say.text for say in call.all_of(Say)]


def test_the_callers_first_words_are_answered_and_nobody_greets() -> None:
    call = waiting()
    assert of(StartTimer, call.last) == [
        StartTimer("call", call.at + POLICY.call_ms),
        StartTimer("away", call.at + 5000),
    ]
    call.wait(900)
    out = call.says("where is my order")
    assert of(Think, out) == [Think(turn=1, tries=0, round=0)]
    call.finishes("It shipped.")
    call.hears(1)
    assert said(call) == ["It shipped."]
    call.wait(7_999)
    assert said(call) == ["It shipped."]
    call.wait(1)
    assert said(call)[1:] == ["Are you still there?"]
    replayed(call)


def test_who_says_nothing_is_spoken_to_when_the_wait_is_over_and_then_as_anybody() -> None:
    call = waiting()
    call.wait(4_999)
    assert not said(call)
    call.wait(1)
    assert said(call) == [POLICY.greeting]
    call.hears(1)
    call.wait(8_000)
    assert said(call) == [POLICY.greeting, "Are you still there?"]
    assert call.state.silences == 1
    replayed(call)


def test_a_sound_without_words_does_not_prolong_the_wait() -> None:
    call = waiting()
    call.wait(2_000)
    call.starts()
    call.wait(300)
    call.stops()
    call.final("")  # nothing to be understood: nobody is asked to say it again
    call.wait(2_699)
    assert not said(call)
    call.wait(1)
    assert said(call) == [POLICY.greeting]


def test_the_bot_does_not_speak_into_a_sound_that_may_become_words() -> None:
    call = waiting()
    call.wait(4_900)
    call.starts()
    call.wait(1_199)
    assert not said(call)
    call.wait(1)
    assert said(call) == [POLICY.greeting]  # it went on for too long without a word


def test_sounds_put_the_bots_first_words_off_by_two_seconds_and_no_more() -> None:
    call = waiting()
    for _ in range(20):
        call.starts()
        call.wait(300)
        call.stops()
        call.wait(50)
    assert call.at - 1_000_000 == 7_000
    assert said(call) == [POLICY.greeting]


def test_words_that_were_begun_are_waited_for() -> None:
    call = waiting()
    call.wait(4_800)
    call.starts()
    call.words("i would like")
    call.wait(4_000)
    assert not said(call)
    call.stops()
    call.final("i would like to order")
    assert of(Think, call.ends("i would like to order"))
    assert not said(call)


def test_words_that_are_taken_back_do_not_keep_the_bot_silent() -> None:
    call = waiting()
    call.wait(4_000)
    call.starts()
    call.words("i would")
    call.stops()
    call.wait(1_500)
    call.words("")
    call.wait(1_000)
    assert said(call) == [POLICY.greeting]


def test_a_new_owner_goes_on_waiting_for_what_is_left_of_it() -> None:
    call = waiting()
    call.wait(3_000)
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2))
    assert StartTimer("away", 1_005_000) in out
    assert not said(call)
    call.wait(1_999)
    assert not said(call)
    call.wait(1)
    assert said(call) == [POLICY.greeting]
    replayed(call)


def test_an_owner_that_takes_over_while_the_caller_begins_answers_him() -> None:
    call = waiting()
    call.wait(3_000)
    call.starts()
    call.words("where is")
    call._feed(events.TakenOver, epoch=Epoch(1, 2))
    call.wait(500)
    assert of(Think, call.ends("where is my order"))
    assert not said(call)


def test_a_caller_who_is_back_on_another_leg_before_a_word_was_said_is_spoken_to() -> None:
    call = waiting()
    call.wait(4_000)
    call._feed(events.LegLost, seq=True, reason="socket closed")
    call.wait(3_000)
    assert not said(call)
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    call.wait(0)
    assert said(call) == [POLICY.greeting]


def test_a_chat_that_begins_with_silence_is_greeted_too() -> None:
    call = waiting(channel="chat")
    call.wait(5_000)
    assert said(call) == [POLICY.greeting]
    typed = waiting(channel="chat")
    typed.types("hello")
    typed.wait(60_000)
    assert not said(typed)


def test_who_speaks_by_button_is_waited_for_while_it_is_down() -> None:
    call = Script(replace(FIRST, push_to_talk=True), greet=False)
    call.wait(4_900)
    call.holds()
    call.wait(3_000)
    assert not said(call)
    call.words("hello")
    call.lets_go()
    assert of(Think, call.ends("hello"))


def test_keys_are_first_words() -> None:
    call = waiting()
    call.wait(4_500)
    call.presses("1")
    call.wait(1_999)
    assert not said(call)
    call.wait(1)
    assert call.turns == ["1"]
