"""Thinking ahead, call by call, through the pure core."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.bot import speculation
from services.orchestrator.mind.effects import CloseThink, Execute, Retrieve, Say, SpeculationOver, Stop, Store, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Ahead, Answering, CallerLine, Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

EAGER = replace(POLICY, ahead="eager")
STABLE = replace(POLICY, ahead="stable", ahead_ms=300)
ORDER = ToolUse("c1", "check_order_status", '{"order_number": "1234"}')


def asks(policy: Policy = EAGER, text: str = "where is my order") -> Script:
    """A caller who has just said something; the turn is not over."""
    call = Script(policy)
    call.starts()
    call.words(text)
    call.stops()
    return call


def outcomes(call: Script) -> list[str]:
    return [e.outcome for out in call.outputs for e in of(SpeculationOver, out)]


def roles(call: Script) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in messages(call.state)][1:]


def test_the_model_begins_at_an_eager_end_and_its_words_are_said_at_the_confirmed_one() -> None:
    call = asks()
    assert of(Think, call.eager("Where is my order?")) == [Think(2, 0, 0, speculative=True)]
    assert not of(Say, call.phrase("Your order ")), "held back"
    call.wait(200)
    out = call.ends("where is my order")
    assert [(s.turn, s.utterance, s.text, s.complete) for s in of(Say, out)] == [(2, 2, "Your order ", False)]
    assert of(SpeculationOver, out) == [SpeculationOver(2, 0, "confirmed", lead_ms=200)]
    assert not of(Think, out), "the round goes on as the real one"
    (rest,) = of(Say, call.finishes("shipped."))
    assert (rest.utterance, rest.text, rest.complete) == (2, "shipped.", True)
    call.hears(2)
    assert roles(call) == [("user", "where is my order"), ("assistant", "Your order shipped.")]
    assert replayed(call) == call.outputs


def test_an_answer_that_was_finished_before_the_turn_was_is_said_as_one() -> None:
    call = asks()
    call.eager()
    call.phrase("Your order ")
    call.finishes("shipped on Monday.")
    assert isinstance(call.state.floor, Listening)
    (say,) = of(Say, call.ends("where is my order"))
    assert (say.text, say.complete) == ("Your order shipped on Monday.", True)
    call.hears(2)
    assert isinstance(call.state.floor, Listening)


def test_a_turn_that_is_confirmed_before_the_first_word_came_is_answered_by_the_same_round() -> None:
    call = asks()
    call.eager()
    assert not of(Say, call.ends("where is my order"))
    assert of(Say, call.phrase("Your order "))


def test_tools_are_held_until_the_turn_is_confirmed() -> None:
    call = asks()
    call.eager()
    call.phrase("Let me look. ")
    assert not of(Execute, call.finishes(tools=(ORDER,)))
    assert call.state.intent == 0, "no number of the ledger is used up"
    out = call.ends("where is my order")
    assert of(Execute, out) == [Execute(1, ORDER.name, ORDER.arguments)]
    assert out.index(Store(first=True)) < out.index(of(Execute, out)[0])
    assert of(Think, call.tool(1)) == [Think(2, 0, 1)]


@pytest.mark.parametrize("how", ["resumed", "words", "final"])
def test_a_caller_who_goes_on_is_answered_on_all_of_it(how: str) -> None:
    call = asks()
    call.eager()
    call.phrase("Your order ")
    more = "where is my order and when does it come"
    went_on = call.resumed() if how == "resumed" else call.words(more) if how == "words" else call.final(more)
    assert of(SpeculationOver, went_on)[0].outcome == "discarded"
    assert not of(Say, call.phrase("shipped. ")), "late words of the closed round"
    if how != "final":
        call.final(more)
    out = call.ends(more)
    assert of(Think, out) == [Think(2, 1, 0)]
    assert not of(Say, out)
    call.answers("It comes on Friday.")
    call.hears(2)
    assert roles(call) == [("user", more), ("assistant", "It comes on Friday.")]
    assert replayed(call) == call.outputs


def test_other_words_at_the_end_than_at_the_eager_end_throw_it_away() -> None:
    call = asks()
    call.eager("where is my order")
    call.phrase("Your order ")
    out = call.ends("where is my older brother")
    assert (outcomes(call), of(Think, out)) == (["discarded"], [Think(2, 1, 0)])
    assert call.state.history[-1] == CallerLine("where is my older brother", call.at)


def test_a_turn_that_goes_on_with_an_earlier_one_is_thought_about_whole() -> None:
    call = asks(text="and when does it come")
    assert call.call is not None
    call.call = replace(call.call, hearing=replace(call.call.hearing, earlier="where is my order"))
    call.eager("and when does it come")
    assert call.state.ahead.text == "where is my order and when does it come"
    call.ends("and when does it come")
    assert outcomes(call) == ["confirmed"]


def test_a_breath_after_the_question_costs_no_head_start() -> None:
    call = asks()
    call.eager()
    call.starts()
    call.stops()
    call.ends("where is my order")
    assert outcomes(call) == ["confirmed"]


def test_nothing_is_left_of_one_that_was_thrown_away_but_its_cost() -> None:
    call = asks()
    call.eager()
    call.phrase("Your order ")
    call.resumed()
    call.feed(events.RoundClosed(at_ms=call.at, input_tokens=400, output_tokens=3))
    assert call.state.ahead == Ahead(turn=2, tries=1)
    assert roles(call) == []
    tally = call.state.tally
    assert (tally.input_tokens, tally.output_tokens, tally.speculations, tally.rounds) == (400, 3, 1, 1)


def test_what_a_whole_speculation_used_counts_once() -> None:
    call = asks()
    think = call.eager()[0]
    assert isinstance(think, Think)
    call.feed(
        events.RoundEnded(at_ms=call.at, turn=2, tries=0, round=0, text="Yes.", input_tokens=300, output_tokens=5)
    )
    call.ends("where is my order")
    assert (call.state.tally.input_tokens, call.state.tally.output_tokens) == (300, 5)


def test_words_that_stand_still_are_thought_about_while_the_caller_may_go_on() -> None:
    call = Script(STABLE)
    call.starts()
    call.words("where is")
    call.wait(200)
    call.words("where is my order")
    call.wait(200)
    call.words("Where is my order?")
    call.wait(99)
    assert not call.state.ahead.text
    call.wait(1)
    assert of(Think, call.last) == [Think(2, 0, 0, speculative=True)]


def test_words_the_recogniser_is_sure_of_need_not_stand_still() -> None:
    call = Script(STABLE)
    call.starts()
    call.feed(events.Interim(at_ms=call.at, text="where is my order", stability=0.95))
    assert of(Think, call.last)


def test_a_final_in_silence_is_thought_about_at_once() -> None:
    call = asks(STABLE)
    assert of(Think, call.final("where is my order"))


def test_the_last_try_of_a_turn_is_kept_for_a_sure_sign_and_then_there_is_none() -> None:
    call = Script(STABLE)
    call.starts()
    for words in ("where is my order", "where is my order the one", "where is my order the one of monday"):
        call.words(words)
        call.wait(1000)
    assert call.state.tally.speculations == 1
    assert of(Think, call.eager()) == [Think(2, 1, 0, speculative=True)]
    call.resumed()
    assert not of(Think, call.eager()), "two tries were all"
    assert of(Think, call.ends("where is my order the one of monday please")) == [Think(2, 2, 0)]
    call.answers("It is here.")
    call.hears(2)
    call.starts()
    call.words("thank you so much")
    assert of(Think, call.eager()) == [Think(3, 0, 0, speculative=True)], "each turn has its own"


def test_a_round_that_was_thought_ahead_fails_like_any_other() -> None:
    call = asks()
    call.eager()
    assert of(SpeculationOver, call.finishes(error="unavailable"))[0].outcome == "failed"
    assert of(Think, call.ends("where is my order")) == [Think(2, 1, 0)]
    assert of(Think, call.finishes(error="unavailable")) == [Think(2, 2, 0)], "one restart, as ever"
    (say,) = of(Say, call.finishes(error="unavailable"))
    assert say.text == POLICY.trouble


def test_a_confirmed_round_that_breaks_afterwards_is_begun_again() -> None:
    call = asks()
    call.eager()
    call.phrase("Your order ")
    call.ends("where is my order")
    out = call.finishes(error="vendor_lost")
    assert of(Think, out) == [Think(2, 1, 0, continuing=True)]


def test_an_endless_speculation_is_given_up() -> None:
    call = asks()
    call.eager()
    call.phrase("word " * 2000)
    assert (outcomes(call), call.state.ahead.held) == (["too_long"], "")


def test_knowledge_is_looked_for_first_and_not_again() -> None:
    call = asks(replace(EAGER, retrieve=True))
    assert of(Retrieve, call.outputs[-2]) == [Retrieve("where is my order")], "while the caller speaks"
    assert not of(Think, call.eager())
    assert of(Think, call.finds("where is my order", "It is here.")) == [Think(2, 0, 0, speculative=True)]
    call.finishes("It is here.")
    out = call.ends("Where is my order?")
    assert (of(Retrieve, out), [s.text for s in of(Say, out)]) == ([], ["It is here."])


def test_knowledge_that_is_late_is_not_waited_for() -> None:
    call = asks(replace(EAGER, retrieve=True))
    call.eager()
    call.wait(80)
    assert of(Think, call.last) == [Think(2, 0, 0, speculative=True)]


def test_a_turn_that_is_over_while_knowledge_is_awaited_is_an_ordinary_one() -> None:
    call = asks(replace(EAGER, retrieve=True))
    call.eager()
    call.ends("where is my order")
    assert outcomes(call) == []
    assert of(Think, call.finds("where is my order", "Here.")) == [Think(2, 0, 0)]


def test_no_thinking_ahead_while_the_bot_has_the_floor() -> None:
    call = Script(EAGER)
    call.says("tell me all")
    call.answers("It is a long story.")
    call.feed(events.TurnEnded(at_ms=call.at, kind="eager", text="uh-huh and then"))
    assert isinstance(call.state.floor, Answering)
    assert not of(Think, call.last)


def test_nor_while_it_is_not_known_what_was_heard() -> None:
    call = Script(EAGER)
    call.says("tell me all")
    call.answers("It is a long story.")
    call.starts()
    assert of(Stop, call.words("stop and tell me something else"))
    assert not of(Think, call.eager())
    call.cut(2, 5)
    assert of(Think, call.eager())


def test_a_tool_that_ends_meanwhile_makes_it_worthless() -> None:
    call = Script(EAGER, effect_tools=("book_visit",))
    call.says("book a visit")
    call.finishes(tools=(ToolUse("c1", "book_visit", "{}"),))
    call.starts()
    call.words("and where is my order")
    call.eager()
    assert call.state.ahead.text
    call.tool(1)
    assert outcomes(call) == ["discarded"]


def test_the_end_of_the_call_closes_it() -> None:
    call = asks()
    call.eager()
    out = call.hangs_up()
    assert of(SpeculationOver, out)[0].outcome == "discarded"
    call.feed(events.RoundClosed(at_ms=call.at, input_tokens=100))
    assert call.state.tally.input_tokens == 100
    assert not of(CloseThink, out)


def test_a_new_owner_has_no_speculation_and_answers_the_turn() -> None:
    call = asks()
    call.eager()
    call.phrase("Your order ")
    call.feed(events.TakenOver(at_ms=call.at, epoch=Epoch(1, 2), turn=1, utterance=1))
    assert call.state.ahead == Ahead()
    assert of(Think, call.ends("where is my order")) == [Think(2, 0, 0)]
    assert replayed(call) == call.outputs


def test_the_model_is_told_the_words_so_far_as_the_callers() -> None:
    call = asks()
    (think,) = of(Think, call.eager())
    told = messages(speculation.imagined(call.state, think))
    assert [(m.role, m.text) for m in told][1:] == [("user", "where is my order")]
    assert roles(call) == [], "the call itself does not know it"
    call.ends("Where is my order?")
    told = messages(speculation.imagined(call.state, think))
    assert [(m.role, m.text) for m in told][1:] == [("user", "Where is my order?")], "confirmed before it was asked"


def test_typed_words_and_keys_are_turns_of_their_own() -> None:
    call = asks()
    call.eager()
    assert of(Think, call.types("something else")) == [Think(2, 1, 0)]
    assert outcomes(call) == ["discarded"]
