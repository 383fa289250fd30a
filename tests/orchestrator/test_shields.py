"""Who may interrupt what: legal words, the first moments of a greeting, running tools, keys, the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Notice, Outcome, Then, ToolUse
from services.orchestrator.mind.effects import BargeIn, Execute, HangUp, Resume, Say, Stop, Think, Transfer
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Answering, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

BOOK = ToolUse("c2", "book_visit", '{"day": "friday"}')
LOOK = ToolUse("c3", "look_up", "{}")
BUTTON = replace(POLICY, push_to_talk=True)


def greeted(policy: Policy) -> Script:
    """The greeting sounds."""
    call = Script(policy, greet=False)
    call.sounds(1)
    return call


def test_a_legal_notice_is_heard_to_its_end_and_what_was_said_over_it_is_answered_then() -> None:
    call = greeted(replace(POLICY, must_hear=("greeting",)))
    (say,) = of(Say, call.outputs[0])
    assert not say.interruptible
    call.starts()
    call.words("where is my order")
    call.final("where is my order")
    call.stops()
    call.ends("where is my order")
    call.presses("1")
    assert not call.all_of(Stop)
    assert of(Think, call.hears(1))
    assert call.turns == ["where is my order"]
    assert replayed(call) == call.outputs


def test_a_sentence_that_may_be_cut_is() -> None:
    call = Script(replace(POLICY, must_hear=()))
    call.starts()
    call.wait(POLICY.turn_ms)
    (say,) = of(Say, call.last)
    assert say.interruptible
    call.sounds(say.utterance)
    assert of(Stop, call.words("but wait"))


FORCED: dict[str, Callable[[Script], object]] = {
    "its limit": lambda call: call.wait(POLICY.call_ms),
    "an operator": lambda call: call._feed(events.Signal, name="hang_up"),
    "no ears": lambda call: call._feed(events.OrganFailed, organ="ears"),
}


@pytest.mark.parametrize("by", FORCED)
def test_nobody_talks_a_call_out_of_an_end_that_is_forced(by: str) -> None:
    call = Script(replace(POLICY, away_ms=10_000_000, must_hear=(), before_hang_up="Keep your number."))
    FORCED[by](call)
    before = len(call.all_of(Stop))
    for _ in range(2):
        if not call.all_of(HangUp):
            call.sounds(call.state.utterance)
            call.says("wait, one more question")
            call.presses("1")
            call.types("really")
            call.holds()
            call.lets_go()
            call.hears(call.state.utterance)
    assert len(call.all_of(HangUp)) == 1
    assert call.all_of(Say)[-1].text == "Keep your number."
    assert len(call.all_of(Stop)) == before
    assert not call.all_of(Think)
    assert replayed(call) == call.outputs


def test_what_a_tool_does_next_is_not_done_in_place_of_an_end_that_is_forced() -> None:
    call = Script()
    call.says("let me talk to a human")
    call.finishes(tools=(LOOK,))
    call._feed(events.Signal, name="hang_up", data="abuse")
    call.tool(1, then=Then("transfer", "+15550100"))
    out = call.hears(call.answers("I will connect you."))
    assert of(HangUp, out) == [HangUp("abuse")]
    assert not call.all_of(Transfer)


def test_who_talks_over_the_goodbye_of_a_call_that_may_go_on_is_answered() -> None:
    call = Script(replace(POLICY, before_hang_up="Keep your number."))
    call.says("goodbye")
    call.finishes(tools=(LOOK,))
    call.tool(1, then=Then("hang_up"))
    call.hears(call.answers("Goodbye."))
    call.sounds(call.state.utterance)
    call.says("wait, one more question")
    assert call.turns[-1] == "wait, one more question"
    assert not call.all_of(HangUp)


PROTECTED = replace(POLICY, protect_greeting_ms=1500)


def test_hello_over_the_first_moments_of_the_greeting_is_the_next_turn() -> None:
    call = greeted(PROTECTED)
    (say,) = of(Say, call.outputs[0])
    assert (say.interruptible, say.protect_ms) == (True, 1500)
    call.wait(300)
    call.starts()
    call.wait(300)
    call.words("hello")
    call.wait(100)
    call.stops()
    call.final("hello")
    call.wait(1200)
    call.ends("hello")
    assert not call.all_of(Stop)
    call.hears(1)
    assert call.turns == ["hello"]


def test_who_goes_on_speaking_after_the_first_moments_interrupts() -> None:
    call = greeted(PROTECTED)
    call.wait(1000)
    call.starts()
    call.wait(400)
    assert not of(Stop, call.words("hello i would like to"))
    call.wait(100)
    assert call.all_of(Stop)
    call.cut(1, 12)
    call.final("hello i would like to know your hours")
    call.stops()
    call.ends("hello i would like to know your hours")
    assert call.turns == ["hello i would like to know your hours"]


def test_words_before_the_greeting_sounds_do_not_silence_it() -> None:
    call = Script(PROTECTED, greet=False)
    call.starts()
    assert not of(Stop, call.words("hello"))
    call.final("hello")
    call.stops()
    call.ends("hello")
    call.hears(1)
    assert call.turns == ["hello"]


def test_keys_and_the_button_interrupt_a_protected_greeting() -> None:
    call = greeted(PROTECTED)
    assert of(Stop, call.holds())


def test_a_voice_after_the_greetings_protection_interrupts() -> None:
    call = greeted(PROTECTED)
    call.wait(1600)
    call.starts()
    assert of(Stop, call.words("sorry"))


def test_the_caller_is_muted_while_a_tool_changes_the_world() -> None:
    policy = replace(POLICY, mute_during_effects=True)
    call = Script(policy, effect_tools=("book_visit",))
    call.says("book me in for friday")
    call.phrase("I will do that now. ")
    out = call.finishes(tools=(BOOK,))
    assert of(Execute, out)
    call.sounds(2)
    call.starts()
    call.pauses(2, 6)
    out = call.words("what color is it")
    assert not of(Stop, out)
    assert of(Resume, out)
    call.final("what color is it")
    call.stops()
    call.ends("what color is it")
    call.hears(2)
    call.tool(1, '{"summary": "booked"}')
    call.answers("You are booked.")
    assert of(Think, call.hears(3))
    assert call.turns == ["book me in for friday", "what color is it"]


def test_a_tool_that_only_looks_may_be_talked_over() -> None:
    call = Script(replace(POLICY, mute_during_effects=True), effect_tools=("book_visit",))
    call.says("where is my order")
    call.phrase("Let me look. ")
    call.finishes(tools=(LOOK,))
    call.sounds(2)
    assert of(Stop, call.words("never mind"))


def test_once_the_tool_is_done_its_words_may_be_talked_over_and_nothing_said_before_is_lost() -> None:
    call = Script(replace(POLICY, mute_during_effects=True), effect_tools=("book_visit",))
    call.says("book me in for friday")
    call.finishes(tools=(BOOK,))
    call.says("make it saturday")
    assert isinstance(call.state.floor, Answering)
    call.tool(1, '{"summary": "booked"}')
    call.answers("You are booked for friday.")
    call.starts()
    assert of(Stop, call.words("no i said"))
    call.final("no i said saturday")
    call.stops()
    call.ends("no i said saturday")
    assert call.turns[-1] == "make it saturday no i said saturday"


@pytest.mark.parametrize(("keys", "stopped"), [(True, True), (False, False)])
def test_keys_interrupt_where_they_may(keys: bool, stopped: bool) -> None:
    call = Script(replace(POLICY, keys_interrupt=keys))
    call.says("where is my order")
    call.answers("Please tell me its number, it has four digits.")
    for digit in "1234":
        call.presses(digit)
    call.presses("#")
    assert bool(call.all_of(Stop)) == stopped
    if not stopped:
        assert of(Think, call.hears(2))
    assert call.turns[-1] == "1234"


def test_by_button_a_voice_alone_means_nothing() -> None:
    call = Script(BUTTON)
    call.says("what are your hours")
    assert call.turns == []
    call.holds()
    call.starts()
    call.words("what are your hours")
    call.lets_go()
    call.final("what are your hours")
    call.stops()
    assert of(Think, call.ends("what are your hours"))
    (say,) = of(Say, call.finishes("From nine to six."))
    assert say.expect == "button"
    call.sounds(2)
    call.starts()
    call.words("talk in the room")
    call.final("talk in the room")
    call.stops()
    call.ends("talk in the room")
    assert not call.all_of(Stop)
    assert call.turns == ["what are your hours"]
    assert replayed(call) == call.outputs


def test_the_button_interrupts_and_okay_is_a_turn_by_button() -> None:
    call = Script()
    call.says("what are your hours")
    call.answers("From nine to six, on all days of the week.")
    assert of(Stop, call.holds())
    assert [effect.outcome for effect in call.all_of(BargeIn)] == ["stopped"]
    call.cut(2, 9)
    call.words("okay")
    call.lets_go()
    call.final("okay")
    assert of(Think, call.ends("okay"))


def test_the_button_does_not_interrupt_what_must_be_heard() -> None:
    call = greeted(replace(POLICY, must_hear=("greeting",)))
    assert not of(Stop, call.holds())
    call.words("my order")
    call.lets_go()
    call.final("my order")
    call.ends("my order")
    assert of(Think, call.hears(1))


def test_pressed_again_before_the_end_was_told_goes_on_with_the_same_turn() -> None:
    call = Script(BUTTON)
    call.holds()
    call.words("my number is")
    call.lets_go()
    call.holds()
    call.final("my number is")
    assert not of(Think, call.ends("my number is"))
    call.words("four two")
    call.lets_go()
    call.final("four two")
    assert of(Think, call.ends("four two"))
    assert call.turns == ["my number is four two"]


def test_words_after_the_button_was_let_go_and_its_time_is_up_mean_nothing() -> None:
    call = Script(BUTTON)
    call.holds()
    call.lets_go()
    call.wait(4000)
    call.says("hello there")
    assert call.turns == []
    assert isinstance(call.state.floor, Listening)


def test_switched_back_the_caller_speaks_freely() -> None:
    call = Script()
    call.feed(events.PushToTalk(at_ms=call.at, on=True))
    call.says("hello there")
    assert call.turns == []
    call.feed(events.PushToTalk(at_ms=call.at, on=False))
    call.says("hello again")
    assert call.turns == ["hello again"]


def test_what_was_said_before_the_switch_is_a_turn() -> None:
    call = Script()
    call.starts()
    call.words("where is my")
    call.feed(events.PushToTalk(at_ms=call.at, on=True))
    call.final("where is my order")
    call.stops()
    assert of(Think, call.ends("where is my order"))
    call.hears(call.answers("On its way."))
    call.says("talk in the room")
    assert call.turns == ["where is my order"]


def test_a_caller_who_holds_the_button_for_ever_is_answered() -> None:
    call = Script(BUTTON)
    call.holds()
    call.final("and then he said")
    call.wait(POLICY.turn_ms)
    (say,) = of(Say, call.last)
    assert say.text == POLICY.too_long
    assert of(Think, call.hears(say.utterance))


def test_a_tool_has_words_said_as_they_stand_and_nobody_interrupts_them() -> None:
    call = Script()
    call.says("record this call")
    call.finishes(tools=(LOOK,))
    outcome = Outcome("ok", '{"summary": "recording"}', say=Notice("This call is recorded."))
    out = call.feed(events.ToolEnded(at_ms=call.at, intent=1, outcome=outcome))
    (say,) = of(Say, out)
    assert (say.text, say.interruptible, say.complete) == ("This call is recorded.", False, True)
    (think,) = of(Think, out)
    assert think.continuing
    call.finishes("How can I help?")
    call.sounds(2)
    call.starts()
    assert not of(Stop, call.words("but wait"))
    call.final("but wait")
    call.stops()
    call.ends("but wait")
    call.hears(2)
    assert of(Think, call.hears(3))
    assert call.bot_said[-2:] == ["This call is recorded.", "How can I help?"]
    assert replayed(call) == call.outputs
