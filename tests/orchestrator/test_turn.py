"""Calls, turn by turn, through the pure core."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.effects import (
    CloseThink,
    Execute,
    HangUp,
    Resume,
    Retrieve,
    Say,
    Stop,
    Store,
    Think,
    Transfer,
)
from services.orchestrator.mind.history import messages, question_of
from services.orchestrator.mind.state import Answering, Ended, Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

ORDER = ToolUse("c1", "check_order_status", '{"order_number": "1234"}')
BOOK = ToolUse("c2", "book_visit", '{"day": "friday"}')


def test_the_bot_greets_and_listens() -> None:
    call = Script(greet=False)
    (say,) = of(Say, call.last)
    assert (say.text, say.complete, say.kind) == (POLICY.greeting, True, "notice")
    call.hears(say.utterance)
    assert isinstance(call.state.floor, Listening)


def test_a_question_is_answered_and_the_floor_goes_back() -> None:
    call = Script()
    out = call.says("where is my order")
    assert of(Think, out) == [Think(turn=2, tries=0, round=0)]
    assert of(Store, out)
    (say,) = of(Say, call.phrase("Your order "))
    (rest,) = of(Say, call.finishes("shipped on Monday."))
    assert (say.utterance, rest.utterance, rest.complete) == (2, 2, True)
    call.hears(2)
    assert isinstance(call.state.floor, Listening)
    assert [(m.role, m.text) for m in messages(call.state)] == [
        ("assistant", POLICY.greeting),
        ("user", "where is my order"),
        ("assistant", "Your order shipped on Monday."),
    ]


def test_a_tool_is_called_and_its_result_is_told() -> None:
    call = Script()
    call.says("where is order 1234")
    call.phrase("Let me look. ")
    out = call.finishes(tools=(ORDER,))
    assert of(Execute, out) == [Execute(1, "check_order_status", '{"order_number": "1234"}')]
    out = call.tool(1, '{"summary": "shipped"}')
    assert of(Think, out) == [Think(turn=2, tries=0, round=1)]
    call.finishes("It shipped on Monday.")
    call.hears(2)
    call.hears(3)
    roles = [(m.role, m.text) for m in messages(call.state)][2:]
    assert roles == [
        ("assistant", "Let me look. "),
        ("tool", '{"summary": "shipped"}'),
        ("assistant", "It shipped on Monday."),
    ]


def test_two_tools_run_at_once_and_the_next_round_waits_for_both() -> None:
    call = Script()
    call.says("where are my orders")
    out = call.finishes(tools=(ORDER, replace(ORDER, arguments='{"order_number": "1235"}')))
    assert [e.intent for e in of(Execute, out)] == [1, 2]
    assert not of(Think, call.tool(2))
    assert of(Think, call.tool(1))


def test_after_three_rounds_of_tools_the_model_must_speak() -> None:
    call = Script()
    call.says("where is my order")
    for intent in (1, 2, 3):
        call.finishes(tools=(replace(ORDER, id=f"c{intent}"),))
        call.tool(intent)
    assert call.thinks() == Think(turn=2, tries=0, round=3, tools_off=True)


def test_breaking_in_stops_the_bot_and_keeps_only_what_was_heard() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six on weekdays.")
    call.starts()
    call.pauses(utterance, 12)
    out = call.words("what about")
    assert of(Stop, out) == [Stop(2, "free")]
    call.cut(utterance, 12)
    call.final("what about sunday")
    out = call.ends("what about sunday")
    assert of(Think, out)[0].turn == 3
    told = [(m.text, m.interrupted) for m in messages(call.state)][-2:]
    assert told == [("We are open", True), ("what about sunday", False)]


def test_a_question_that_comes_at_once_with_its_interruption_waits_to_know_what_was_heard() -> None:
    """All that was said while a gateway stood still arrives in one moment."""
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six on weekdays.")
    assert of(Stop, call.words("what about sunday"))
    assert not of(Think, call.ends("what about sunday"))
    assert of(Think, call.cut(utterance, 12))[0].turn == 3
    told = [(m.text, m.interrupted) for m in messages(call.state)][-2:]
    assert told == [("We are open", True), ("what about sunday", False)]


def test_it_waits_for_that_behind_its_knowledge_too() -> None:
    call = Script(replace(POLICY, retrieve=True, retrieve_wait_ms=80))
    call.says("what are your hours")
    call.finds("what are your hours", "From nine to six.")
    utterance = call.answers("We are open from nine to six on weekdays.")
    call.words("what about sunday")
    call.ends("what about sunday")
    assert not of(Think, call.finds(call.state.retrieving, "Closed."))
    assert of(Think, call.cut(utterance, 12))[0].turn == 3


def test_such_a_question_waits_only_so_long() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six on weekdays.")
    call.words("what about sunday")
    call.ends("what about sunday")
    call.wait(250)
    assert of(Think, call.last)[0].turn == 3
    assert not of(Think, call.cut(utterance, 12))


def test_an_answer_that_nobody_heard_is_not_remembered() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open.")
    call.words("no wait")
    call.cut(utterance, 0)
    call.ends("no wait")
    assert [m.text for m in messages(call.state)][1:] == ["what are your hours", "no wait"]


def test_breaking_in_while_the_model_thinks_closes_its_stream_and_late_words_are_dropped() -> None:
    call = Script()
    call.says("what are your hours")
    old = call.thinks()
    call.phrase("We ")
    call.sounds(2)
    out = call.words("never mind")
    assert of(CloseThink, out) == [CloseThink(2)]
    assert call.phrase("are open ", old) == []
    assert call.finishes("all day.", think=old) == []


def test_uh_huh_does_not_stop_the_bot() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six.")
    call.starts()
    call.pauses(utterance, 12)
    out = call.words("uh-huh")
    assert not of(Stop, out)
    assert of(Resume, out) == [Resume(2)], "as soon as its words are known"
    call.final("uh-huh")
    call.stops()
    call.ends("uh-huh")
    assert not call.all_of(Stop)
    assert [m.text for m in messages(call.state) if m.role == "user"] == ["what are your hours"]


def test_yes_over_the_end_of_a_question_is_its_answer() -> None:
    call = Script()
    call.says("cancel my order")
    utterance = call.answers("Shall I cancel it?")
    call.starts()
    call.pauses(utterance, 12)
    assert not of(Stop, call.words("yeah"))
    assert of(Stop, call.ends("yeah"))
    assert of(Think, call.cut(utterance, 12))


def test_a_cough_only_pauses_the_bot() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six.")
    call.starts()
    call.pauses(utterance, 12)
    call.wait(200)
    call.stops()
    call.wait(400)
    assert any(of(Resume, out) for out in call.outputs[-2:])
    assert not any(of(Stop, out) for out in call.outputs)


def test_words_that_must_be_heard_are_not_interrupted_and_the_turn_is_answered_after_them() -> None:
    call = Script()
    call.wait(0)
    call.starts()
    call.words("so anyway")
    call.wait(POLICY.turn_ms)
    (say,) = of(Say, call.last)
    assert (say.text, say.interruptible) == (POLICY.too_long, False)
    call.starts()
    assert not of(Stop, call.words("but wait"))
    call.ends("but wait")
    out = call.hears(say.utterance)
    assert of(Think, out)
    assert [m.text for m in messages(call.state) if m.role == "user"] == ["so anyway but wait"]


def test_an_interruption_never_cancels_a_tool_and_its_effect_is_told() -> None:
    call = Script(effect_tools=("book_visit",))
    call.says("book me in for friday")
    call.phrase("One moment. ")
    call.finishes(tools=(BOOK,))
    call.sounds(2)
    call.words("actually")
    call.cut(2, 4)
    call.final("actually")
    call.stops()
    call.ends("actually")
    call.finishes("Yes?")
    call.hears(3)
    out = call.tool(1, '{"summary": "booked"}')
    assert of(Think, out)
    assert '{"summary": "booked"}' in [m.text for m in messages(call.state)]


def test_a_running_tool_is_told_to_the_model_as_running() -> None:
    call = Script()
    call.says("where is my order")
    call.phrase("Let me look. ")
    call.finishes(tools=(ORDER,))
    call.sounds(2)
    call.words("hello")
    call.ends("hello")
    assert '"running"' in next(m.text for m in messages(call.state) if m.role == "tool")


def test_goodbye_is_heard_before_the_line_is_closed() -> None:
    call = Script()
    call.says("that is all")
    call.finishes("Goodbye.", tools=(ToolUse("c3", "end_call", "{}"),))
    out = call.tool(1, then=Then("hang_up", reason="done"))
    assert not of(HangUp, out)
    call.finishes("Have a nice day.")
    call.hears(2)
    assert of(HangUp, call.hears(3)) == [HangUp("done")]
    call.hangs_up()
    assert call.state.floor == Ended("caller hung up")


def test_wait_at_the_goodbye_keeps_the_call() -> None:
    call = Script()
    call.says("that is all")
    call.finishes("Goodbye.", tools=(ToolUse("c3", "end_call", "{}"),))
    call.tool(1, then=Then("hang_up", reason="done"))
    call.finishes("Have a nice day.")
    call.sounds(2)
    call.words("wait one more thing")
    call.cut(2, 3)
    call.cut(3, 0)
    call.ends("wait one more thing")
    call.answers("Yes?")
    assert not any(of(HangUp, out) for out in [*call.outputs, call.hears(4)])


def test_wait_while_the_goodbye_is_still_being_arranged_keeps_the_call() -> None:
    call = Script(effect_tools=("end_call",))
    call.says("that is all")
    call.finishes("Goodbye.", tools=(ToolUse("c3", "end_call", "{}"),))
    call.sounds(2)
    call.words("wait one more thing")
    call.cut(2, 3)
    call.final("wait one more thing")
    call.tool(1, then=Then("hang_up", reason="done"))
    call.ends("wait one more thing")
    out = call.hears(call.answers("Yes?"))
    assert not any(of(HangUp, out) for out in [*call.outputs, out])


def test_a_transfer_survives_an_interruption() -> None:
    call = Script()
    call.says("a human please")
    call.finishes(tools=(ToolUse("c3", "transfer_to_human", "{}"),))
    call.tool(1, then=Then("transfer", "+15550100"))
    utterance = call.answers("I am putting you through.")
    call.words("thank you very much")
    call.cut(utterance, 5)
    call.ends("thank you very much")
    call.finishes("You are welcome.")
    assert of(Transfer, call.hears(3)) == [Transfer("+15550100")]


def handed_over() -> Script:
    call = Script()
    call.says("a human please")
    call.finishes(tools=(ToolUse("c3", "transfer_to_human", "{}"),))
    call.tool(1, then=Then("transfer", "+15550100"))
    call.hears(call.answers("I am putting you through."))
    return call


def test_a_caller_nobody_took_is_told_so_however_long_it_rang() -> None:
    call = handed_over()
    call._feed(events.LegLost, reason="transferred")
    call.wait(25_000)
    assert not any(isinstance(effect, HangUp) for out in call.outputs for effect in out)
    (say,) = of(Say, call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, turn=2, utterance=2))
    assert say.text == POLICY.not_transferred


def test_what_followed_a_tool_is_not_done_again_by_the_next_owner() -> None:
    call = handed_over()
    settled = (ToolUse("c3", "transfer_to_human", "{}", 1, Outcome("ok", then=Then("transfer", "+15550100"))),)
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, turn=2, utterance=2, settled=settled)
    call.hears(3)
    call.says("when do you open")
    assert not of(Transfer, call.hears(call.answers("At nine.")))


def test_a_transfer_the_carrier_refuses_is_told_and_the_call_goes_on() -> None:
    call = handed_over()
    (say,) = of(Say, call._feed(events.OrganFailed, organ="carrier", message="transfer failed"))
    assert say.text == POLICY.not_transferred
    assert not of(HangUp, call.hears(say.utterance))


def test_a_leg_of_a_call_that_is_over_is_told_to_hang_up() -> None:
    call = Script()
    call.hangs_up()
    assert of(HangUp, call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True))


def test_a_hang_up_that_was_lost_with_its_owner_is_told_again() -> None:
    call = Script()
    call.says("goodbye")
    call.finishes(tools=(ToolUse("c3", "end_call", "{}"),))
    call.tool(1, then=Then("hang_up", reason="done"))
    assert of(HangUp, call.hears(call.answers("Goodbye.")))
    call.at += 20_000
    assert of(HangUp, call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=2))
    assert all(timer.at_ms > call.at for timer in call.state.timers if timer.id == "ending")


def test_a_caller_who_comes_back_and_is_silent_is_asked() -> None:
    call = Script()
    call._feed(events.LegLost, reason="socket closed")
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, turn=1, utterance=1)
    call.wait(POLICY.away_ms)
    assert of(Say, call.outputs[-1])


def test_a_round_that_fails_is_tried_again_then_said() -> None:
    call = Script()
    call.says("hello there")
    assert of(Think, call.finishes(error="UNAVAILABLE")) == [Think(2, 1, 0)]
    (say,) = of(Say, call.finishes(error="UNAVAILABLE"))
    assert say.text == POLICY.trouble
    assert isinstance(call.state.floor, type(call.state.floor))


def test_after_three_failed_turns_the_call_ends_politely() -> None:
    call = Script()
    for utterance in (2, 3):
        call.says("hello there")
        call.finishes(error="UNAVAILABLE")
        call.finishes(error="UNAVAILABLE")
        call.hears(utterance)
    call.says("hello there")
    call.finishes(error="UNAVAILABLE")
    (say,) = of(Say, call.finishes(error="UNAVAILABLE"))
    assert say.text == POLICY.unavailable
    assert of(HangUp, call.hears(4))


def test_a_model_that_says_nothing_is_asked_once_more_and_then_counts_as_a_failure() -> None:
    call = Script()
    call.says("hello there")
    assert of(Think, call.finishes("")) == [Think(2, 1, 0, empty=True)]
    (say,) = of(Say, call.finishes(""))
    assert say.text == POLICY.trouble


def test_half_an_answer_is_continued_after_a_lost_vendor() -> None:
    call = Script()
    call.says("what are your hours")
    call.phrase("We are open ")
    out = call.finishes(error="UNAVAILABLE")
    assert of(Think, out) == [Think(2, 1, 0, continuing=True)]
    call.finishes("from nine to six.")
    call.hears(2)
    call.hears(3)
    assert [m.text for m in messages(call.state)][-2:] == ["We are open ", "from nine to six."]


def test_knowledge_is_looked_up_while_the_caller_still_speaks() -> None:
    call = Script(replace(POLICY, retrieve=True))
    call.starts()
    assert of(Retrieve, call.words("do you rent")) == [Retrieve("do you rent")]
    call.finds("do you rent", "We rent bikes.")
    assert of(Retrieve, call.final("Do you rent bikes?")) == [Retrieve("Do you rent bikes?")]
    call.finds("Do you rent bikes?", "We rent bikes for 20 dollars a day.")
    assert of(Think, call.ends("do you rent bikes"))


def test_a_short_question_leans_on_the_one_before() -> None:
    call = Script()
    call.says("do you rent electric bikes by the day")
    call.answers("Yes.")
    call.hears(2)
    call.says("how much is it")
    assert question_of(call.state, "how much is it") == "do you rent electric bikes by the day how much is it"
    assert question_of(call.state, "what are your opening hours please") == "what are your opening hours please"


def test_an_answer_waits_for_knowledge_only_so_long() -> None:
    call = Script(replace(POLICY, retrieve=True, retrieve_wait_ms=80))
    out = call.types("rent")
    assert of(Retrieve, out)
    assert not of(Think, out)
    call.wait(80)
    assert of(Think, call.last)
    assert not of(Think, call.finds("rent", "late"))


def test_a_silent_caller_is_asked_twice_then_let_go() -> None:
    call = Script()
    said = []
    for utterance in (2, 3, 4):
        call.wait(8000)
        said += [say.text for say in of(Say, call.last)]
        out = call.hears(utterance)
    assert said == ["Are you still there?", "Hello?", "Goodbye then."]
    assert of(HangUp, out)


def test_a_word_resets_the_patience() -> None:
    call = Script()
    call.wait(8000)
    call.hears(2)
    call.says("yes I am here")
    call.answers("Good.")
    call.hears(3)
    call.wait(8000)
    assert of(Say, call.last)[0].text == "Are you still there?"


def test_what_was_said_and_not_understood_is_asked_for_again_but_not_for_ever() -> None:
    call = Script()
    for utterance in (2, 3):
        call.starts()
        call.stops()
        (say,) = of(Say, call.final(""))
        assert say.text == POLICY.not_heard
        call.hears(utterance)
    assert not of(Say, call.final(""))
    call.says("where is my order")
    call.answers("It shipped.")
    call.hears(4)
    assert of(Say, call.final(""))


def test_keys_interrupt_and_are_a_turn_after_the_hash() -> None:
    call = Script()
    call.says("where is my order")
    utterance = call.answers("What is the number?")
    assert of(Stop, call.presses("1"))
    call.cut(utterance, 4)
    for digit in "234":
        call.presses(digit)
    out = call.presses("#")
    assert of(Think, out)
    assert messages(call.state)[-1].text == "1234"


def test_a_gateway_that_never_tells_what_was_heard_does_not_hang_the_call() -> None:
    call = Script()
    call.says("what are your hours")
    call.answers("We are open from nine to six.")
    call.wait(29_000)
    assert isinstance(call.state.floor, Answering)
    call.wait(10_000)
    assert isinstance(call.state.floor, Listening)
    call.says("what are your hours")
    call.finishes("", error="NOT_FOUND")
    call.finishes("", error="NOT_FOUND")
    call.wait(40_000)
    assert isinstance(call.state.floor, Listening)


def test_a_goodbye_nobody_tells_of_still_ends_the_call() -> None:
    call = Script(replace(POLICY, away_ms=10_000_000))
    call.wait(POLICY.call_ms)
    assert of(Say, call.last)[0].text == POLICY.time_is_up
    call.wait(40_000)
    assert any(of(HangUp, out) for out in call.outputs)


def test_words_that_are_said_for_long_are_waited_for() -> None:
    call = Script()
    call.says("tell me all")
    call.finishes("We are open. " * 100)
    call.sounds(2)
    call.wait(120_000)
    assert isinstance(call.state.floor, Answering)


def test_words_cut_off_of_which_nobody_tells_do_not_hang_the_next_answer() -> None:
    call = Script()
    call.says("what are your hours")
    call.answers("We are open from nine to six.")
    call.words("never mind")
    call.ends("never mind")
    call.wait(250)
    call.hears(call.answers("All right."))
    call.wait(36_000)
    assert isinstance(call.state.floor, Listening)


def test_the_call_has_an_end() -> None:
    call = Script(replace(POLICY, away_ms=10_000_000))
    call.wait(POLICY.call_ms)
    (say,) = of(Say, call.last)
    assert say.text == POLICY.time_is_up
    assert of(HangUp, call.hears(say.utterance))


def test_an_event_sent_twice_counts_once() -> None:
    call = Script()
    call.says("hello there")
    before = call.state
    assert call.feed(replace(call.inputs[-1])) == []
    assert call.state == before


def test_nothing_happens_after_the_end() -> None:
    call = Script()
    call.hangs_up()
    assert call.says("hello") == []
    assert not call.state.timers


@pytest.mark.parametrize(
    "name",
    [name for name, value in list(globals().items()) if name.startswith("test_") and callable(value)],
)
def test_replay_gives_the_same_effects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts: list[Script] = []
    original = Script.__init__

    def record(self: Script, *args: object, **kwargs: object) -> None:
        scripts.append(self)
        original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Script, "__init__", record)
    globals()[name]()
    for script in scripts:
        assert replayed(script) == script.outputs


def test_a_button_that_is_let_go_without_a_word_is_asked_after_like_any_silence() -> None:
    call = Script()
    call.feed(events.Button(at_ms=call.at, pressed=True))
    assert "away" not in {timer.id for timer in call.state.timers}
    call.feed(events.Button(at_ms=call.at, pressed=False))
    assert "away" in {timer.id for timer in call.state.timers}
