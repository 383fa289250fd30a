"""What can not be undone is asked about, and done on an explicit yes: through the pure core."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Ask, Choice, Outcome, ToolUse
from services.orchestrator.mind.bot import confirming
from services.orchestrator.mind.effects import Confirmation, Execute, Retrieve, Say, Store, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.state import Answering, Epoch
from tests.orchestrator.calls import POLICY, Script, of, replayed

BOOK = ToolUse("c1", "book_visit", '{"day": "2026-12-01", "time": "15:00"}')
LOOK = ToolUse("c2", "get_hours", "{}")
QUESTION = "Shall I book you in on Tuesday at three?"
ASK = Ask(QUESTION, "d1")
WITH = {"policy": replace(POLICY, unclear="I need a clear answer."), "effect_tools": ("book_visit",)}


def asks(call: Script, intent: int, ask: Ask = ASK) -> list[Say]:
    """The tools service wants a yes."""
    return of(Say, call._feed(events.ToolEnded, intent=intent, outcome=Outcome("ask", ask=ask)))


def asked(words: str = "") -> Script:
    """A call in which the question was just heard."""
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in for tuesday at three")
    call.finishes(words, tools=(BOOK,))
    if words:
        call.hears(call.state.utterance)
    (say,) = asks(call, 1)
    assert (say.text, say.complete, say.expect, say.once) == (QUESTION, True, "yes_no", True)
    call.hears(say.utterance)
    return call


def test_a_question_is_stored_before_it_is_said() -> None:
    """Its owner may die before the yes, however soon that comes."""
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in for tuesday at three")
    call.finishes("", tools=(BOOK,))
    asks(call, 1)
    assert call.last.index(Store(first=True)) < call.last.index(of(Say, call.last)[0])


def breaks_in(call: Script, text: str, utterance: int, heard: int) -> None:
    """The caller speaks over the bot's words, and it stops."""
    call.sounds(utterance)
    call.starts()
    call.words(text)
    call.wait(600)
    call.cut(utterance, heard)
    call.final(text)
    call.stops()
    call.ends(text)


def executed(call: Script) -> list[Execute]:
    return [e for out in call.outputs for e in of(Execute, out) if e.confirmed]


def told(call: Script) -> list[tuple[str, str]]:
    """What the model is told of the tools, newest last: (status, message)."""
    texts = [json.loads(m.text) for m in messages(call.state) if m.role == "tool"]
    return [(text.get("status", ""), text.get("message", "")) for text in texts]


def test_who_hangs_up_over_the_question_has_left_it() -> None:
    out = asked().hangs_up()
    assert of(Confirmation, out) == [Confirmation("left")]


@pytest.mark.parametrize(
    "words", ["yes", "Yes, please.", "sure, go ahead", "yes, book me in", "Yeah. And also, where are you?"]
)
def test_on_a_yes_it_is_done_as_it_was_read_back(words: str) -> None:
    call = asked("I can do that.")
    out = call.says(words)
    assert of(Execute, out) == [Execute(2, BOOK.name, BOOK.arguments, "d1")]
    assert not of(Think, out), "nobody is asked what a yes means"
    assert of(Confirmation, out) == [Confirmation("yes")]
    out = call.tool(2, '{"summary": "You are booked."}')
    assert of(Think, out)
    call.finishes("You are booked.")
    assert call.state.pending is None
    assert replayed(call) == call.outputs


@pytest.mark.parametrize("first", ["tool", "passages", "neither"])
def test_knowledge_is_looked_for_behind_a_yes_while_it_is_done(first: str) -> None:
    call = Script(**{**WITH, "policy": replace(POLICY, retrieve=True, retrieve_wait_ms=300)})  # type: ignore[arg-type]
    call.says("book me in for tuesday at three")
    call.finds("book me in for tuesday at three")
    call.finishes("", tools=(BOOK,))
    (say,) = asks(call, 1)
    call.hears(say.utterance)
    out = call.says("yes, and where are you")
    assert [e.query for e in of(Retrieve, out)] == ["where are you"]
    assert [e.confirmed for e in of(Execute, out)] == ["d1"]
    if first == "passages":
        assert not of(Think, call.finds("where are you", "At twelve Market Street."))
        (think,) = of(Think, call.tool(2, '{"summary": "You are booked."}'))
    else:
        assert not of(Think, call.tool(2, '{"summary": "You are booked."}')), "a little later"
        before = len(call.outputs)
        if first == "tool":
            call.finds("where are you", "Market Street.")
        else:
            call.wait(400)
        (think,) = [each for out in call.outputs[before:] for each in of(Think, out)]
    assert think.round == 1
    assert [p.text for p in call.state.passages] == {
        "tool": ["Market Street."], "passages": ["At twelve Market Street."], "neither": []
    }[first]  # fmt: skip
    call.finishes("You are booked. We are at twelve Market Street.")
    assert replayed(call) == call.outputs


@pytest.mark.parametrize(
    "words",
    [
        "no",
        "no thanks",
        "don't",
        "wait",
        "if it is free",
        "how much is it",
        "yes but not now",
        "yes and can you do four",
        "yes, and please do that tomorrow",
        "maybe",
        "okay",
        "uh-huh",
        "right",
        "hm",
    ],
)
def test_without_a_yes_nothing_is_done(words: str) -> None:
    call = asked()
    call.says(words)
    assert executed(call) == []


def test_the_model_does_not_speak_before_the_question_unless_there_is_something_to_tell() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in, and when are you open")
    call.finishes("", tools=(BOOK, LOOK))
    assert not asks(call, 1)
    assert of(Think, call.tool(2, '{"summary": "Nine to six."}')), "the hours first"
    said = of(Say, call.finishes("We are open from nine to six."))
    assert [say.text for say in said] == ["We are open from nine to six.", QUESTION]


def test_no_is_told_to_the_model() -> None:
    call = asked()
    out = call.says("no, leave it")
    assert of(Think, out)
    assert told(call) == [("refused", confirming.SAID_NO)]
    assert call.state.pending is None
    call.finishes("All right.")
    assert not of(Execute, call.says("yes")), "too late"


def test_what_is_put_right_is_read_back_again_and_then_done() -> None:
    call = asked()
    out = call.says("no, make it four")
    changed = '{"day": "2026-12-01", "time": "16:00"}'
    assert of(Execute, out) == [Execute(2, "book_visit", changed)]
    (say,) = asks(call, 2, Ask("Shall I book you in on Tuesday at four?", "d2"))
    call.hears(say.utterance)
    assert of(Execute, call.says("yes")) == [Execute(3, "book_visit", changed, "d2")]
    assert told(call)[0] == ("refused", confirming.CHANGED)


def test_what_the_question_has_made_certain_is_what_is_done() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in for tomorrow at three")
    call.finishes(tools=(ToolUse("", "book_visit", '{"day": "tomorrow", "time": "15:00"}'),))
    (say,) = asks(call, 1, replace(ASK, arguments=BOOK.arguments))
    call.hears(say.utterance)
    assert of(Execute, call.says("Wednesday, not Tuesday")) == [
        Execute(2, "book_visit", '{"day": "2026-12-02", "time": "15:00"}')
    ]
    (say,) = asks(call, 2, replace(ASK, digest="d2"))
    call.hears(say.utterance)
    (done,) = of(Execute, call.says("yes"))
    assert (done.arguments, done.confirmed) == ('{"day": "2026-12-02", "time": "15:00"}', "d2")
    assert replayed(call) == call.outputs


def test_a_choice_is_put_right_by_its_words() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("move fifty to savings")
    call.finishes(tools=(ToolUse("", "book_visit", '{"to": "savings"}'),))
    (say,) = asks(call, 1, Ask("Shall I move it to savings?", "d1", (Choice("to", ("savings", "checking")),)))
    call.hears(say.utterance)
    assert of(Execute, call.says("to checking please")) == [Execute(2, "book_visit", '{"to": "checking"}')]


@pytest.mark.parametrize("words", ["Yes. Make it four.", "yes, and please make it four"])
def test_a_yes_with_another_value_behind_it_is_none_to_the_first(words: str) -> None:
    call = asked()
    (execute,) = of(Execute, call.says(words))
    assert (execute.confirmed, json.loads(execute.arguments)["time"]) == ("", "16:00"), "it is read back first"


@pytest.mark.parametrize("ends", ["summary", "trouble", "backend"])
def test_a_question_that_is_due_is_asked_however_the_answer_ends(ends: str) -> None:
    policy = replace(POLICY, unclear="I need a clear answer.", backend_down="Our system is away.")
    call = Script(**{**WITH, "policy": policy})  # type: ignore[arg-type]
    call.says("book me in, and when are you open")
    call.finishes("", tools=(BOOK, LOOK))
    assert not asks(call, 1)
    call.tool(2, '{"summary": "Nine to six."}' if ends == "summary" else "{}")
    if ends == "backend":
        call.finishes("", tools=(replace(LOOK, name="get_price"),))
        call._feed(events.ToolEnded, intent=call.state.intent, outcome=Outcome("failed", message="away", down=True))
    while isinstance(call.state.floor, Answering) and call.state.floor.thought is not None:
        call.finishes(error="unavailable")
        call.wait(2_000)
    words = {"summary": "Nine to six.", "trouble": POLICY.trouble, "backend": "Our system is away."}
    assert any(words[ends] in line.text for line in call.state.history)
    call.hears(call.state.utterance)
    if call.state.history[-1].text != QUESTION:
        call.hears(call.state.utterance)
    assert call.state.history[-1].text == QUESTION
    call.hears(call.state.utterance)
    assert of(Execute, call.says("yes")), "and its answer counts"


def test_what_cannot_be_put_right_for_certain_is_the_models() -> None:
    call = asked()
    out = call.says("actually next week would be better")
    assert of(Think, out)
    assert not of(Execute, out)
    call.finishes("", tools=(replace(BOOK, arguments='{"day": "2026-12-08", "time": "15:00"}'),))
    (say,) = asks(call, 2, Ask("Shall I book you in on December eighth?", "d2"))
    assert told(call)[0] == ("refused", confirming.REPLACED)
    call.hears(say.utterance)
    (done,) = of(Execute, call.says("yes"))
    assert (done.confirmed, done.arguments) == ("d2", '{"day": "2026-12-08", "time": "15:00"}')


def test_a_backchannel_is_no_yes_and_is_asked_again_but_not_for_ever() -> None:
    call = asked()
    for _ in range(confirming.MAX_ASKED - 1):
        (say,) = of(Say, call.says("okay"))
        assert say.text == f"I need a clear answer. {QUESTION}"
        call.hears(say.utterance)
    out = call.says("okay")
    assert of(Think, out)
    assert told(call) == [("refused", confirming.UNCLEAR)]
    assert executed(call) == []


def test_another_question_is_answered_and_then_it_is_asked_again() -> None:
    call = asked()
    assert of(Think, call.says("how much is it"))
    said = of(Say, call.finishes("It is forty dollars."))
    assert [say.text for say in said] == ["It is forty dollars.", QUESTION]
    for say in said:
        call.hears(say.utterance)
    assert of(Execute, call.says("yes please"))


def test_a_yes_to_something_else_is_none() -> None:
    call = asked()
    call.says("how much is it")
    call.phrase("Forty dollars, is that okay?")
    call.hears(call.state.utterance)
    call.says("yes")
    assert executed(call) == []


def test_a_yes_over_a_question_that_was_not_heard_is_none() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    (say,) = asks(call, 1)
    breaks_in(call, "yes yes now", say.utterance, heard=12)
    assert executed(call) == []


def test_silence_is_no_yes() -> None:
    call = asked()
    call.wait(60_000)
    assert executed(call) == []
    texts = [say.text for out in call.outputs for say in of(Say, out)]
    assert f"Are you still there? {QUESTION}" in texts


def test_an_echo_of_the_question_is_no_yes() -> None:
    ask = Ask("Is it correct that I book you in?", "d1")
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    (say,) = asks(call, 1, ask)
    call.hears(say.utterance)
    call.says("correct")
    assert executed(call) == []
    call.hears(call.state.utterance)
    call.says("yes")
    assert len(executed(call)) == 1


def test_two_at_once_are_asked_about_one_after_the_other() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in twice")
    second = replace(BOOK, arguments='{"day": "2026-12-02", "time": "15:00"}')
    call.finishes(tools=(BOOK, second))
    assert not asks(call, 1)
    (say,) = asks(call, 2, Ask("And Wednesday?", "d2"))
    assert say.text == QUESTION
    assert told(call)[1] == ("refused", confirming.ONE_AT_A_TIME)


def test_who_went_on_before_the_question_is_not_asked() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes("One moment, I am looking at that.", tools=(BOOK,))
    utterance = call.state.utterance
    breaks_in(call, "no wait stop that", utterance, heard=3)
    assert asks(call, 1) == []
    assert ("refused", confirming.NOT_ASKED) in told(call)
    assert call.state.pending is None


def test_the_new_owner_knows_what_was_asked() -> None:
    call = asked()
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=call.state.utterance, turn=call.state.turn)
    assert of(Execute, call.says("yes")) == [Execute(2, BOOK.name, BOOK.arguments, "d1")]


def test_an_owner_who_dies_between_yes_and_outcome_does_it_once_and_as_confirmed() -> None:
    call = asked()
    call.says("yes")
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=call.state.utterance, turn=call.state.turn)
    assert of(Execute, call.last) == [Execute(2, BOOK.name, BOOK.arguments, "d1")], "the ledger knows the intent"


def test_an_owner_who_dies_before_the_question_came_asks_for_it_again() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=call.state.utterance, turn=call.state.turn)
    assert of(Execute, call.last) == [Execute(1, BOOK.name, BOOK.arguments)]
    assert [say.text for say in asks(call, 1)] == [QUESTION]


def test_on_a_new_leg_the_rest_of_the_question_is_said_and_its_yes_counts() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    (say,) = asks(call, 1)
    call.sounds(say.utterance)
    call._feed(events.Heard, seq=True, utterance=say.utterance, chars=10, text=QUESTION, cut=True)
    call._feed(events.LegLost, seq=True)
    call.seq = 0
    call.turn = 1
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    again = of(Say, call.last)[-1]
    assert again.text == QUESTION
    for each in of(Say, call.last):
        call.hears(each.utterance)
    assert of(Execute, call.says("yes"))


def test_the_same_call_twice_in_a_turn_is_one() -> None:
    call = Script()
    call.says("when are you open")
    out = call.finishes(tools=(LOOK, replace(LOOK, arguments=" {} ")))
    assert [e.intent for e in of(Execute, out)] == [1]
    assert told(call)[1][0] == "refused"
    call.tool(1, '{"summary": "Nine to six."}')
    assert not of(Execute, call.finishes(tools=(LOOK,)))


def test_the_state_knows_of_the_yes_before_it_is_done() -> None:
    out = asked().says("yes")
    stored = next(n for n, effect in enumerate(out) if isinstance(effect, Store) and effect.first)
    assert stored < next(n for n, effect in enumerate(out) if isinstance(effect, Execute))


@pytest.mark.parametrize("outcome", [Outcome("ok", '{"summary": "booked"}'), None])
def test_a_yes_that_an_older_owner_has_acted_on_is_not_acted_on_again(outcome: Outcome | None) -> None:
    """It died before its state was stored: the ledger knows the action, the gateway tells the yes once more."""
    call = asked()
    done = replace(BOOK, arguments='{"time":"15:00","day":"2026-12-01"}', intent=2, outcome=outcome)
    utterance, turn = call.state.utterance, call.state.turn
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=utterance, turn=turn, settled=(done,))
    assert call.state.pending is None
    call.says("yes")
    assert executed(call) == []


def test_a_yes_before_what_was_put_right_is_read_back_does_nothing() -> None:
    for late in (1, 2):
        call = asked()
        call.says("no, make it four")
        call.says("yes")
        assert executed(call) == []
        asks(call, late)
        call.says("yes")
        assert executed(call) == []


def test_a_yes_that_began_before_the_question_was_understood_is_none() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    (say,) = asks(call, 1)
    call.sounds(say.utterance)
    call.wait(300)
    call.starts()
    call.words("yeah")
    call.final("yeah")
    call.stops()
    call.hears(say.utterance)
    call.ends("yeah")
    assert executed(call) == []


def test_who_comes_back_on_another_leg_is_asked_once_more() -> None:
    call = asked()
    call._feed(events.LegLost, seq=True)
    call.wait(60_000)
    call.seq, call.turn = 0, 1
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    assert [say.text for say in of(Say, call.last)] == [QUESTION]


def test_the_model_cannot_say_yes() -> None:
    call = Script(**WITH)  # type: ignore[arg-type]
    call.says("book me in")
    call.finishes(tools=(replace(BOOK, confirmed="d1"),))
    assert executed(call) == []
