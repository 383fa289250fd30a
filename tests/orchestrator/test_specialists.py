"""Who has the call: how it comes to a specialist and on to another, what each may do, and what the next one is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from parley.agents import specialists as in_file
from services.orchestrator.mind import events, fitting
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.bot.specialists import current
from services.orchestrator.mind.effects import Effect, Execute, HandOver, Say, Think, Transfer
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.policy import Policy, Specialist, Variable
from services.orchestrator.mind.state import Epoch, Handover, Listening, Spent
from services.orchestrator.wire import codec
from tests.orchestrator.calls import POLICY, Script, of, replayed

HOUSE = replace(
    POLICY, specialists=(Specialist("billing", ("pay", "invoices")), Specialist("technical", ("test_line", "pay")))
)
PAY = ToolUse("c1", "pay", "{}")


def gives(to: str, summary: str = "", **details: object) -> ToolUse:
    arguments = {"to": to, "summary": summary, **({"details": details} if details else {})}
    return ToolUse("x", "hand_over", json.dumps(arguments))


def routes(call: Script, to: str, think: Think | None = None) -> list[Effect]:
    t = think or call.thinks()
    return call.feed(events.Routed(at_ms=call.at, turn=t.turn, tries=t.tries, round=t.round, to=to, by="phrases"))


def with_billing(policy: Policy = HOUSE) -> Script:
    call = Script(policy)
    call.says("my invoice is wrong")
    routes(call, "billing")
    return call


def test_the_mind_and_the_file_have_the_same_names() -> None:
    assert (in_file.FRONT, in_file.OWN_TOOLS) == (specialists.FRONT, specialists.BUILT_IN)


def test_first_words_that_are_known_to_be_for_somebody_are_answered_by_them() -> None:
    call = Script(HOUSE)
    call.says("my invoice is wrong")
    assert of(HandOver, routes(call, "billing")) == [HandOver("front", "billing")]
    assert not call.all_of(Say)[1:], "nobody hears of it"
    call.finishes("Let us look at it.")
    assert current(call.state) == "billing"
    assert replayed(call) == call.outputs


def test_a_route_that_is_late_changes_nothing() -> None:
    call = Script(HOUSE)
    call.says("my invoice is wrong")
    old = call.thinks()
    call.says("no, my line is dead")
    assert not of(HandOver, routes(call, "billing", old))
    assert current(call.state) == ""


def test_a_speculation_is_routed_and_counts_only_when_it_is_confirmed() -> None:
    eager = replace(HOUSE, ahead="eager")
    for last, who in (("my invoice is wrong", "billing"), ("my invoice is wrong or so I think", "")):
        call = Script(eager)
        call.starts()
        call.words("my invoice is wrong")
        call.stops()
        call.eager()
        assert not of(HandOver, routes(call, "billing"))
        assert (current(call.state), call.state.ahead.specialist) == ("", "billing")
        call.phrase("Let us look. ")
        out = call.ends(last)
        assert current(call.state) == who
        assert of(HandOver, out) == ([HandOver("front", "billing")] if who else [])
        assert replayed(call) == call.outputs


def test_a_model_gives_the_call_on_and_the_next_one_answers_unheard_of() -> None:
    call = Script(HOUSE)
    call.says("it is about the thing from last week")
    out = call.finishes(tools=(gives("billing", "Was charged twice.", order_number="1234"),))
    assert not of(Execute, out), "it is nobody's action"
    assert of(HandOver, out) == [HandOver("front", "billing")]
    assert of(Think, out) == [Think(turn=2, tries=0, round=1)]
    assert call.state.handover == Handover("", "Was charged twice.", (Variable("order_number", "1234"),))
    told = [(m.role, m.text, m.tools) for m in messages(call.state)]
    assert told[1:] == [("user", "it is about the thing from last week", ())], "the next one is not told how it came"
    call.finishes("I see two charges.")
    call.hears(2)
    assert isinstance(call.state.floor, Listening)
    assert replayed(call) == call.outputs


def test_what_was_collected_goes_along_from_one_to_the_next_and_back() -> None:
    call = with_billing()
    call.finishes(tools=(gives("technical", "Line is dead, invoice is right.", line="55", name="Ann"),))
    assert current(call.state) == "technical"
    call.finishes(tools=(gives("front", "Line is repaired.", line="56"),))
    assert current(call.state) == ""
    assert call.state.handover == Handover(
        "technical", "Line is repaired.", (Variable("line", "56"), Variable("name", "Ann"))
    )
    assert [(h.giver, h.to) for h in call.all_of(HandOver)] == [
        ("front", "billing"), ("billing", "technical"), ("technical", "front"),
    ]  # fmt: skip


def test_models_that_send_a_caller_round_are_made_to_speak() -> None:
    call = with_billing()
    for to in ("technical", "billing", "technical"):
        call.finishes(tools=(gives(to),))
    assert call.thinks().tools_off


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"to": "sales"}', "there are front, technical"),
        ('{"to": ["technical"]}', "there are front, technical"),
        ('{"to": "billing", "summary": "me"}', "with you already"),
        ("no JSON", "there are front, technical"),
        ("[]", "there are front, technical"),
    ],
)
def test_a_hand_over_to_nobody_is_refused_and_the_model_told(arguments: str, told: str) -> None:
    call = with_billing()
    call.finishes(tools=(ToolUse("x", "hand_over", arguments),))
    assert current(call.state) == "billing"
    assert told in messages(call.state)[-1].text


def test_another_specialist_s_tool_is_refused_whatever_the_model_thinks() -> None:
    call = Script(HOUSE)
    call.says("pay my bill")
    assert not of(Execute, call.finishes(tools=(PAY, ToolUse("c2", "hours", "{}")), text=""))[1:]
    assert [e.name for e in call.all_of(Execute)] == ["hours"], "what no specialist names is everybody's"
    call.tool(2)
    assert "hand the call over" in [m.text for m in messages(call.state) if m.role == "tool"][0]
    call.finishes(tools=(gives("billing"), replace(PAY, id="c3")))
    assert [e.name for e in call.all_of(Execute)] == ["hours"], "asked for before the call was given"
    call.finishes(tools=(replace(PAY, id="c4"),))
    assert [e.name for e in call.all_of(Execute)] == ["hours", "pay"]


def test_without_specialists_nothing_is_special() -> None:
    call = Script()
    call.says("pay")
    assert [e.name for e in of(Execute, call.finishes(tools=(PAY, gives("billing"))))] == ["pay", "hand_over"]


def test_a_new_owner_has_the_call_where_it_was_and_a_file_without_that_specialist_takes_it_back() -> None:
    call = with_billing()
    call.finishes("Let us look.")
    call.hears(2)
    stored = codec.state_to_proto(call.state)
    assert codec.state_from_proto(stored) == call.state
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=2)
    assert current(call.state) == "billing"
    call.says("pay it")
    assert of(Execute, call.finishes(tools=(PAY,)))
    call.tool(1)
    call.finishes("Paid.")
    call._feed(events.TakenOver, epoch=Epoch(1, 3), utterance=3, policy=POLICY, agent_version="2")
    assert current(call.state) == ""


def test_a_hand_over_under_way_when_the_owner_is_lost_is_gone_on_with() -> None:
    call = Script(HOUSE)
    call.says("it is about the thing from last week")
    call.finishes(tools=(gives("billing", "Was charged twice."),))
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=1)
    assert [t.round for t in of(Think, out)] == [1]
    assert current(call.state) == "billing"


def test_a_state_of_before_has_nobody_but_the_agent() -> None:
    call = Script()
    message = codec.state_to_proto(call.state)
    for field in ("specialist", "handover", "spent_by"):
        message.ClearField(field)
    assert current(codec.state_from_proto(message)) == ""


def test_what_goes_along_is_bounded() -> None:
    call = with_billing()
    much = {f"n{n}" * 30: "\u20ac" * 1000 for n in range(100)} | {"list": [1], "none": None, "flag": True, "age": 41}
    call.finishes(tools=(gives("technical", "\u20ac" * 5000, **much),))
    given = call.state.handover
    assert len(given.summary_pii.encode()) <= specialists.MAX_SUMMARY_BYTES
    assert sum(len((d.name + d.value_pii).encode()) for d in given.details) <= specialists.MAX_DETAILS_BYTES
    names = [d.name for d in given.details]
    assert "list" not in names
    assert "none" not in names
    assert fitting.size(call.state) >= len(codec.state_to_proto(call.state).SerializeToString()) - 4_500


def test_what_each_has_cost_is_kept_apart() -> None:
    call = Script(HOUSE)
    call.says("it is about last week")
    t = call.thinks()
    ended = events.RoundEnded(turn=t.turn, tries=t.tries, round=t.round, tools=(gives("billing"),))
    call.feed(replace(ended, at_ms=call.at, input_tokens=100, output_tokens=7))
    t = call.thinks()
    ended = events.RoundEnded(turn=t.turn, tries=t.tries, round=t.round, text="Yes.")
    call.feed(replace(ended, at_ms=call.at, input_tokens=300, output_tokens=20))
    assert call.state.spent_by == (Spent("", 1, 100, 7), Spent("billing", 1, 300, 20))
    assert (call.state.tally.input_tokens, call.state.tally.output_tokens) == (400, 27)


# For a person

TO_PEOPLE = ToolUse("", "escalate", "{}", outcome=Outcome("ok", "{}", then=Then("transfer", "+15550100", "angry")))


def test_a_caller_who_is_given_to_a_person_hears_the_words_and_is_connected() -> None:
    call = Script(HOUSE)
    call.says("let me talk to a human")
    out = call.finishes("I will connect you.", tools=(TO_PEOPLE,))
    assert not of(Think, out), "no model has a say"
    assert not of(Execute, out)
    assert not call.all_of(Transfer)
    assert of(Transfer, call.hears(2)) == [Transfer("+15550100", "angry")]
    assert [m.role for m in messages(call.state)] == ["assistant", "user", "assistant"], "nor is one told of it"
    assert replayed(call) == call.outputs


def test_who_comes_back_from_people_that_took_nobody_is_told_so() -> None:
    call = Script(HOUSE)
    call.says("let me talk to a human")
    call.finishes("I will connect you.", tools=(TO_PEOPLE,))
    call.hears(2)
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, transfer="busy")
    assert call.all_of(Say)[-1].text == POLICY.not_transferred


# What must be said

LAW = replace(
    POLICY,
    before_greeting="This call is recorded.",
    after_greeting="I am a machine.",
    before_transfer="The line is recorded there, too.",
    before_hang_up="Keep your number.",
    must_hear=("before_greeting", "after_greeting", "before_transfer", "before_hang_up"),
)


def test_the_law_s_words_stand_around_the_greeting_and_cannot_be_interrupted() -> None:
    call = Script(LAW, greet=False)
    said = [(s.text, s.interruptible, s.turn, s.once) for s in of(Say, call.last)]
    assert said == [
        ("This call is recorded.", False, 1, False),
        (POLICY.greeting, True, 1, False),
        ("I am a machine.", False, 1, False),
    ]
    call.sounds(1)
    call.says("where is my order")
    assert not call.all_of(Think)
    for utterance in (1, 2, 3):
        call.hears(utterance)
    assert len(call.all_of(Think)) == 1, "who spoke over them is answered behind them"


def test_who_speaks_first_hears_them_before_the_first_answer_and_the_model_answers_the_caller() -> None:
    call = Script(replace(LAW, caller_first_ms=5000), greet=False)
    assert not of(Say, call.last)
    out = call.says("where is my order")
    assert [(s.text, s.turn) for s in of(Say, out)] == [("This call is recorded.", 1), ("I am a machine.", 1)]
    call.finishes("It shipped.")
    assert [s.turn for s in call.all_of(Say)] == [1, 1, 1]
    assert [m.text for m in messages(call.state)][-2:] == ["where is my order", "It shipped."]
    for utterance in (1, 2, 3):
        call.hears(utterance)
    assert isinstance(call.state.floor, Listening)
    assert not of(Say, call.says("and when does it come"))
    assert replayed(call) == call.outputs


def test_who_speaks_first_and_does_not_stop_hears_them_before_they_are_stopped() -> None:
    call = Script(replace(LAW, caller_first_ms=5000), greet=False)
    call.starts()
    call.words("it began when I bought the bicycle")
    call.wait(POLICY.turn_ms)
    assert [s.text for s in call.all_of(Say)] == [LAW.before_greeting, LAW.after_greeting, LAW.too_long]
    for utterance in (1, 2, 3):
        call.hears(utterance)
    assert call.turns == ["it began when I bought the bicycle"]
    assert len(call.all_of(Say)) == 3, "once"
    assert replayed(call) == call.outputs


def test_who_speaks_first_and_is_lost_meanwhile_hears_them_on_the_next_leg() -> None:
    call = Script(replace(LAW, caller_first_ms=5000), greet=False)
    call.starts()
    call.words("where is my")
    call._feed(events.LegLost, reason="socket closed")
    out = call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    assert [s.text for s in of(Say, out)] == [LAW.before_greeting, LAW.after_greeting, LAW.not_heard]
    assert replayed(call) == call.outputs


def test_a_leg_that_is_lost_over_them_does_not_take_them_with_it() -> None:
    call = Script(replace(LAW, caller_first_ms=5000), greet=False)
    call.says("where is my order")
    call.finishes("It shipped.")
    call.sounds(1)
    call._feed(events.LegLost, reason="socket closed")
    out = call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    law = [(s.text, s.interruptible) for s in of(Say, out)]
    assert law == [(LAW.before_greeting, False), (LAW.after_greeting, False), ("It shipped.", True)]
    for utterance in (4, 5, 6):
        call.hears(utterance)
    call.says("and when does it come")
    call.finishes("On Friday.")
    call.sounds(7)
    call._feed(events.LegLost, reason="socket closed")
    out = call._feed(events.TakenOver, epoch=Epoch(3, 1), new_leg=True)
    assert [s.text for s in of(Say, out)] == ["On Friday."], "what was heard is not said again"
    assert replayed(call) == call.outputs


def test_who_does_not_speak_first_is_greeted_with_them() -> None:
    call = Script(replace(LAW, caller_first_ms=5000), greet=False)
    call.wait(5000)
    assert [s.text for s in call.all_of(Say)] == [LAW.before_greeting, LAW.greeting, LAW.after_greeting]


@pytest.mark.parametrize(
    ("then", "words", "done"),
    [(Then("transfer", "+15550100"), LAW.before_transfer, "Transfer"), (Then("hang_up"), LAW.before_hang_up, "HangUp")],
)
def test_before_a_transfer_and_the_end_they_are_said_once(then: Then, words: str, done: str) -> None:
    call = Script(LAW, greet=False)
    for utterance in (1, 2, 3):
        call.hears(utterance)
    call.says("goodbye")
    call.finishes(tools=(ToolUse("c1", "end", "{}"),))
    call.tool(1, then=then)
    call.finishes("Goodbye.")
    (say,) = of(Say, call.hears(4))
    assert (say.text, say.interruptible) == (words, False)
    out = call.hears(5)
    assert [type(e).__name__ for e in out if type(e).__name__ == done] == [done]
    assert not of(Say, out)
    assert replayed(call) == call.outputs
