"""A word while the caller waits, call by call, through the pure core."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.agents.speaking import Fillers
from parley.errors import Misconfigured
from services.orchestrator.mind import events
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.effects import CloseThink, Say, StartTimer, Stop, Store, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.policy import Policy, ToolFillers
from services.orchestrator.mind.state import Answering, Epoch, Listening
from services.orchestrator.wire import messages as wire
from tests.orchestrator.calls import POLICY, Script, of, replayed

PATIENT = replace(
    POLICY,
    filler_ms=1000,
    fillers=("One moment.", "Let me see.", "Let me think."),
    tool_filler_ms=1500,
    tool_fillers=("I am still looking.", "Thank you for waiting."),
    fillers_of=(ToolFillers("check_order_status", ("I am looking up your order.",)),),
)
ORDER = ToolUse("c1", "check_order_status", "{}")
BOOK = ToolUse("c2", "book_visit", "{}")


def waits(policy: Policy = PATIENT, slow: tuple[str, ...] = ()) -> Script:
    """A caller who has asked something."""
    call = Script(policy, slow_tools=slow)
    call.says("where is my order")
    return call


def fillers(call: Script) -> list[str]:
    return [e.text for out in call.outputs for e in of(Say, out) if e.kind == "filler"]


def told(call: Script) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in messages(call.state)][1:]


def test_a_late_answer_is_announced_and_follows_behind() -> None:
    call = waits()
    call.wait(999)
    assert fillers(call) == []
    call.wait(1)
    assert of(Say, call.last) == [Say(2, 2, "One moment.", "filler", complete=True)]
    assert call.last.index(Store(first=True)) < call.last.index(of(Say, call.last)[0]), "a new owner knows what it is"
    call.wait(5000)
    assert fillers(call) == ["One moment."], "one is enough"
    (say,) = of(Say, call.finishes("It shipped on Monday."))
    assert (say.utterance, say.kind) == (3, "answer")
    call.hears(2)
    assert isinstance(call.state.floor, Answering), "the answer is still to be heard"
    call.hears(3)
    assert isinstance(call.state.floor, Listening)
    assert told(call) == [("user", "where is my order"), ("assistant", "It shipped on Monday.")]
    assert all("One moment" not in getattr(line, "text", "") for line in call.state.history)
    assert replayed(call) == call.outputs


def test_the_model_is_not_told_of_one_that_still_sounds() -> None:
    call = waits()
    call.wait(1000)
    call.sounds(2)
    assert told(call) == [("user", "where is my order")]


def test_an_answer_on_its_way_needs_no_announcement() -> None:
    call = waits()
    call.wait(900)
    call.phrase("Your order ")
    call.wait(5000)
    assert fillers(call) == []


def test_an_answer_that_was_thought_ahead_waits_for_nothing() -> None:
    call = Script(replace(PATIENT, ahead="eager"))
    call.starts()
    call.words("where is my order")
    call.stops()
    call.eager()
    call.phrase("Your order ")
    assert "filler" not in [t.id for t in of(StartTimer, call.ends("where is my order"))]


def test_the_same_one_is_never_said_twice_in_a_row() -> None:
    call = Script(PATIENT)
    for turn in range(5):
        call.says(f"question number {turn}")
        call.wait(1000)
        call.hears(call.state.utterance)
        call.answers("Yes.")
        call.hears(call.state.utterance)
    said = fillers(call)
    assert said == ["One moment.", "Let me see.", "Let me think.", "One moment.", "Let me see."]


def test_one_sentence_alone_is_not_repeated() -> None:
    call = Script(replace(PATIENT, fillers=("One moment.",)))
    for turn in range(2):
        call.says(f"question number {turn}")
        call.wait(1000)
        call.answers("Yes.")
        call.hears(call.state.utterance - 1)
        call.hears(call.state.utterance)
    assert fillers(call) == ["One moment."]


def test_a_tool_that_runs_has_words_of_its_own() -> None:
    call = waits()
    call.finishes(tools=(ORDER,))
    call.wait(1000)
    assert fillers(call) == ["I am looking up your order."]
    assert of(Think, call.tool(1, '{"summary": "shipped"}')) == [Think(2, 0, 1)]
    call.finishes("It shipped.")
    call.hears(2)
    call.hears(3)
    assert [role for role, _ in told(call)] == ["user", "assistant", "tool", "assistant"]


def test_a_slow_tool_is_commented_even_when_the_bot_has_said_what_it_does() -> None:
    call = waits(slow=("check_order_status",))
    call.phrase("Let me look. ")
    call.finishes(tools=(ORDER,))
    call.wait(1500)
    assert fillers(call) == [], "its words still sound"
    call.hears(2)
    call.wait(1500)
    assert fillers(call) == ["I am looking up your order."]
    call.wait(20_000)
    assert len(fillers(call)) == 1, "one more for a long tool, not many"


def test_a_tool_that_is_quick_needs_no_comment() -> None:
    call = waits(slow=("check_order_status",))
    call.phrase("Let me look. ")
    call.finishes(tools=(ORDER,))
    call.hears(2)
    call.tool(1)
    call.wait(3000)
    assert fillers(call) == []


def test_at_most_one_before_the_answer_and_one_more_for_a_long_tool() -> None:
    call = waits(slow=("book_visit",))
    call.wait(1200)
    call.finishes(tools=(BOOK,))
    call.hears(2)
    call.wait(30_000)
    assert fillers(call) == ["One moment.", "Thank you for waiting."]


def test_a_tool_asked_for_after_a_filler_is_remembered_when_the_filler_is_forgotten() -> None:
    call = waits()
    call.wait(1000)
    call.finishes(tools=(ORDER,))
    call.hears(2)
    assert [m.tools[0].id for m in messages(call.state) if m.tools] == ["c1"]


def test_breaking_in_cuts_filler_and_turn_alike() -> None:
    call = waits()
    call.wait(1000)
    call.sounds(2)
    call.starts()
    call.pauses(2, 4)
    out = call.words("no forget it")
    assert (of(Stop, out), of(CloseThink, out)) == ([Stop(2, "free")], [CloseThink(2)])
    call.cut(2, 4)
    call.final("no forget it")
    call.stops()
    call.ends("no forget it")
    assert told(call) == [("user", "where is my order"), ("user", "no forget it")]


def test_nothing_is_said_over_the_callers_voice() -> None:
    call = waits()
    call.wait(800)
    call.starts()
    call.wait(300)
    assert isinstance(call.state.floor, Answering)
    assert fillers(call) == []


def test_a_turn_of_fillers_alone_is_a_failed_one() -> None:
    call = waits()
    call.wait(1000)
    assert of(Think, call.finishes(""))
    (say,) = of(Say, call.finishes(""))
    assert say.text == POLICY.trouble


def test_typed_calls_have_none() -> None:
    call = Script(PATIENT, channel="chat")
    out = call.types("where is my order")
    assert [t.id for t in of(StartTimer, out)] == []


def test_a_new_owner_knows_a_filler_from_an_answer() -> None:
    call = waits()
    call.wait(1000)
    call.feed(
        events.TakenOver(
            at_ms=call.at,
            epoch=Epoch(1, 2),
            mouth_utterance=2,
            mouth_text="One moment.",
            mouth_complete=True,
            turn=2,
            utterance=2,
        )
    )
    assert of(Think, call.last), "the answer is still owed"
    call.hears(2)
    call.answers("It shipped.")
    call.hears(3)
    assert told(call)[-1] == ("assistant", "It shipped.")
    assert "One moment." not in [text for _, text in told(call)]


def test_nor_does_one_who_knows_nothing_of_the_call_take_it_for_words_of_his() -> None:
    call = waits()
    call.feed(events.Heard(at_ms=call.at, utterance=7, chars=11, complete=True, text="Let me see."))
    assert told(call) == [("user", "where is my order")]


AGENT = "company: A\ngreeting: Hi\nprompt: Hi\ntools: [look]\nfillers: "


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("{thinking: [One moment.]}", "fillers.thinking: must be two or more, all different"),
        ("{tools: [Wait., Wait.]}", "fillers.tools: must be two or more, all different"),
        ("{by_tool: {lok: [I look.]}}", "fillers.by_tool: lok is not among this agent's tools; see `tools`"),
        ("{after_ms: 10}", "fillers.after_ms: Input should be greater than or equal to 200"),
        ('{thinking: ["", "Wait."]}', "fillers.thinking.0: String should have at least 1 character"),
    ],
)
def test_a_wrong_list_is_named(tmp_path: Path, section: str, wrong: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "agent.yaml").write_text(AGENT + section)
    with pytest.raises(Misconfigured, match="agent.yaml") as raised:
        load_agent(tmp_path, "a")
    assert wrong in str(raised.value)


def test_an_agent_without_sentences_has_no_timer_for_them() -> None:
    bare = Agent(company="A", greeting="Hi", prompt="Hi")
    assert wire.policy_of(bare).filler_ms == 0
    filled = bare.model_copy(update={"fillers": Fillers(thinking=("One moment.", "Let me see."))})
    assert wire.policy_of(filled).filler_ms == 1000
    assert list(wire.session_of(filled, "en").sentences) == ["One moment.", "Let me see."]
