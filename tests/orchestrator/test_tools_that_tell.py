"""What a tool tells while it works, and what a caller must have proven for one: through the pure core."""

from __future__ import annotations

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome, ToolLevel, ToolUse
from services.orchestrator.mind.effects import Execute, Say, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.state import Epoch
from tests.orchestrator.calls import Script, of, replayed

SEARCH = ToolUse("c1", "search", "{}")
CHECK = ToolUse("c2", "check_identity", "{}")
BALANCE = ToolUse("c3", "read_balance", "{}")
LOOKING = "I am looking at the calendar."


def searching(**opened: object) -> Script:
    call = Script(**opened)  # type: ignore[arg-type]
    call.says("when can I come")
    call.finishes(tools=(SEARCH,))
    return call


def tells(call: Script, text: str, intent: int = 1) -> list[str]:
    call.feed(events.ToolProgress(at_ms=call.at, intent=intent, text=text))
    return [say.text for say in of(Say, call.last)]


def told(call: Script) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in messages(call.state)][1:]


def test_what_a_tool_tells_is_said_as_a_filler_and_the_model_never_learns_of_it() -> None:
    call = searching()
    assert tells(call, LOOKING) == [LOOKING]
    (say,) = of(Say, call.last)
    assert (say.kind, say.complete, say.once) == ("filler", True, True), "its sound is not kept for other callers"
    call.hears(say.utterance)
    call.tool(1, '{"summary": "Tuesday at ten."}')
    call.finishes("Tuesday at ten is free.")
    assert LOOKING not in str(told(call))
    assert replayed(call) == call.outputs


def test_while_words_are_being_said_the_newest_waits() -> None:
    call = searching()
    tells(call, "One.")
    first = of(Say, call.last)[0].utterance
    assert tells(call, "Two.") == []
    assert tells(call, "Three.") == []
    assert [say.text for say in of(Say, call.hears(first))] == ["Three."]


def test_the_same_words_again_are_no_news() -> None:
    call = searching()
    tells(call, LOOKING)
    call.hears(of(Say, call.last)[0].utterance)
    assert tells(call, LOOKING) == []


def test_it_is_not_said_over_the_caller_but_behind() -> None:
    call = searching()
    call.starts()
    assert tells(call, LOOKING) == []
    call.stops()
    call.ends()
    call.wait(3000)
    said = [say.text for out in call.outputs for say in of(Say, out)]
    assert LOOKING in said


@pytest.mark.parametrize("words", ["", " ... "])
def test_what_has_no_words_is_nothing(words: str) -> None:
    assert tells(searching(), words) == []


def test_what_comes_late_is_nothing() -> None:
    call = searching()
    call.tool(1, '{"summary": "Tuesday."}')
    assert tells(call, LOOKING) == []
    assert tells(call, LOOKING, intent=9) == []


def test_when_the_caller_takes_the_floor_what_waits_is_forgotten() -> None:
    call = searching()
    tells(call, "One.")
    tells(call, "Two.")
    call.starts()
    call.wait(600)
    call.words("never mind")
    call.wait(600)
    assert call.state.news == ""


def test_news_is_as_long_as_a_sentence() -> None:
    assert len(tells(searching(), "long " * 1000)[0]) <= 300


def guarded(**opened: object) -> Script:
    levels = (ToolLevel("read_balance", 2), ToolLevel("read_address", 1))
    return Script(levels=levels, **opened)  # type: ignore[arg-type]


def proves(call: Script, level: int, intent: int, status: str = "ok") -> None:
    outcome = Outcome(status, '{"summary": "Thank you."}', level=level)
    call.feed(events.ToolEnded(at_ms=call.at, intent=intent, outcome=outcome))


def test_who_has_proven_too_little_is_refused_and_the_model_is_told_what_is_wanted() -> None:
    call = guarded()
    call.says("what is my balance")
    call.finishes(tools=(BALANCE,))
    assert of(Execute, call.last) == []
    assert of(Think, call.last), "the model goes on with the refusal"
    result = next(m for m in messages(call.state) if m.role == "tool")
    assert "wants identity level 2, and the caller has proven level 0" in result.text
    assert replayed(call) == call.outputs


def test_a_tool_that_proves_who_the_caller_is_opens_the_others_until_the_call_is_over() -> None:
    call = guarded()
    call.says("my pin is one two three four")
    call.finishes(tools=(CHECK,))
    proves(call, 2, intent=1)
    call.finishes(tools=(BALANCE,))
    assert [run.name for run in of(Execute, call.last)] == ["read_balance"]
    call.tool(2, '{"summary": "Ten euros."}')
    call.finishes("Ten euros.")
    proves(call, 1, intent=2)
    assert call.state.level == 2, "a lower one takes nothing back"
    assert replayed(call) == call.outputs


def test_a_newer_owner_knows_what_was_proven() -> None:
    call = guarded()
    call.says("my pin is one two three four")
    call.finishes(tools=(CHECK,))
    proves(call, 2, intent=1)
    call.feed(events.TakenOver(at_ms=call.at, epoch=Epoch(1, 2), turn=call.state.turn))
    assert call.state.level == 2
