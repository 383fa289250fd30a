"""However much is said, found or given back, the call as a value stays small enough to carry along."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.agents.agent import MAX_SENTENCES_BYTES
from parley.bus.callstate import MAX_BYTES
from services.orchestrator.mind import events, fitting, history
from services.orchestrator.mind.actions import Ask, Choice, Outcome, Then, ToolUse
from services.orchestrator.mind.effects import CloseThink, Execute, Think
from services.orchestrator.mind.state import BotLine, CallerLine, Passage
from services.orchestrator.wire import codec
from tests.orchestrator.calls import POLICY, Script, of

ORDER = ToolUse("c1", "check_order_status", '{"order_number": "1234"}')


def size(call: Script) -> int:
    return codec.state_to_proto(call.state).ByteSize()


def test_a_long_call_in_a_script_of_three_bytes_a_letter_fits() -> None:
    call = Script(replace(POLICY, retrieve=False))
    for _ in range(80):
        call.says("我想知道我的自行车什么时候可以修好" * 10)
        call.hears(call.answers("您的自行车星期一就可以修好" * 10))
        assert size(call) < 20_000
    assert call.state.dropped_lines


@pytest.mark.parametrize("char", "a长😀")
def test_a_caller_who_types_for_ever_fits_and_is_answered_on_the_start(char: str) -> None:
    call = Script()
    for _ in range(5):
        call.types(char * 100_000)
        call.answers("Please be brief.")
        assert size(call) <= MAX_BYTES
    last = [line for line in call.state.history if isinstance(line, CallerLine)][-1]
    assert last.text == char * history.MAX_CALLER_CHARS


@pytest.mark.parametrize("char", "a长𠮷")
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_turn_has_as_many_characters_as_is_said_whatever_they_are(char: str, more: int) -> None:
    most = history.MAX_CALLER_CHARS
    typed, spoken = Script(), Script()
    typed.types(char * (most + more))
    assert typed.turns == [char * min(most, most + more)]
    spoken.starts()
    spoken.final(char * (most + more))
    spoken.stops()
    spoken.ends()
    assert spoken.turns == [char * min(most, most + more)]
    assert size(typed) <= MAX_BYTES
    assert size(spoken) <= MAX_BYTES


@pytest.mark.parametrize("char", "a长😀")
def test_a_long_question_is_there_yet_when_its_tools_have_ended(char: str) -> None:
    call = Script()
    call.says("hello")
    call.hears(call.answers("Hi."))
    call.types(char * history.MAX_CALLER_CHARS)
    call.finishes("One moment.", tools=(ORDER,))
    call.hears(call.state.utterance)
    call.tool(1, json.dumps({"summary": "x" * 3_000}))
    told = history.messages(call.state)
    assert [m.text for m in told if m.role == "user"][-1] == char * history.MAX_CALLER_CHARS
    assert "x" * 3_000 in told[-1].text
    assert size(call) <= MAX_BYTES


@pytest.mark.parametrize("char", "a长𠮷")
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_an_answer_without_an_end_is_ended(char: str, more: int) -> None:
    call = Script()
    call.says("tell me everything")
    most = history.MAX_ANSWER_BYTES // len(char.encode())
    for _ in range(most // 100 - 1):
        assert not of(CloseThink, call.phrase(char * 100))
    said = most // 100 * 100 - 100
    line = call.state.history[-1]
    assert isinstance(line, BotLine)
    assert not line.complete
    out = call.phrase(char * (most - said + more))
    assert bool(of(CloseThink, out)) == (more > 0)
    line = call.state.history[-1]
    assert isinstance(line, BotLine)
    assert len(line.text) == (most if more > 0 and char in "长𠮷" else said if more > 0 else most + more)
    assert line.complete == (more > 0)
    assert size(call) <= MAX_BYTES


def test_thousands_of_words_before_the_turn_ends_fit() -> None:
    call = Script(replace(POLICY, retrieve=True))
    call.starts()
    for number in range(2000):
        call.words(f"word {number} " * 50)
        call.final("and another thing " * 20)
    assert size(call) < MAX_BYTES


def test_eight_tools_with_long_results_fit_and_say_that_they_were_cut() -> None:
    call = Script()
    call.says("where are my orders")
    out = call.finishes(tools=tuple(replace(ORDER, arguments=f'{{"order_number": "{i}"}}') for i in range(20)))
    assert len(of(Execute, out)) == 8
    assert '"refused"' in history.messages(call.state)[-1].text, "of the others the model is told"
    for intent in range(1, 9):
        call.tool(intent, json.dumps({"summary": "x" * 15_000}))
    assert size(call) < MAX_BYTES
    *told, _ = [json.loads(m.text) for m in history.messages(call.state) if m.role == "tool"]
    assert len(told) == 8
    assert all("too_long_this_is_the_start" in result for result in told)


def test_one_long_result_is_told_whole() -> None:
    call = Script()
    call.says("where is my order")
    call.finishes(tools=(ORDER,))
    result = json.dumps({"summary": "x" * 9_000})
    call.tool(1, result)
    assert [m.text for m in history.messages(call.state) if m.role == "tool"] == [result]


def test_everything_at_its_bound_at_once_fits() -> None:
    call = Script(replace(POLICY, retrieve=True))
    call.types("q" * 5000)
    call.finds("q" * history.MAX_QUERY_BYTES, *["p" * 800] * 10)
    assert isinstance(call.state.passages[0], Passage)
    call.finishes("a" * 6000, tools=(ORDER,))
    call.tool(1, json.dumps({"summary": "x" * 15_000}))
    call.words("uh-huh " * 1000)
    call.final("okay " * 5000)
    assert size(call) < MAX_BYTES


def test_what_a_question_lets_the_caller_choose_from_is_counted_and_stands_once() -> None:
    call = Script(effect_tools=(ORDER.name,))
    choices = tuple(Choice(f"argument_{n}", ("x" * 40,) * 4) for n in range(10))
    call.says("where is my order")
    call.finishes(tools=(ORDER,))
    before = size(call), fitting.size(call.state)
    call._feed(events.ToolEnded, intent=1, outcome=Outcome("ask", ask=Ask("Shall I?", "d" * 64, choices)))
    grew = size(call) - before[0]
    assert 1_600 < grew < 3_000
    assert fitting.size(call.state) - before[1] > 1_600
    assert fitting.size(call.state) >= size(call)


def largest(char: str) -> Script:
    """Sentences, tools and names as large as an agent may have them."""
    width = len(char.encode())
    sentence = char * (MAX_SENTENCES_BYTES // width // 4)
    policy = replace(
        POLICY, greeting=sentence, retrieve=True, ahead="stable", mute_during_effects=True, fillers=(sentence,) * 2,
        backchannels=(sentence,),
    )  # fmt: skip
    tools = tuple(f"tool_{n:02}_of_a_long_name" for n in range(20))
    return Script(policy, called="+" * 100, caller_pii="+" * 400, effect_tools=tools, slow_tools=tools)


def ends_with(call: Script, char: str, tools: int) -> None:
    """The round that runs, if one does, ends with as much as a model can send."""
    if not thinks(call):
        return
    asked = tuple(ToolUse(char * 200, char * 200, char * 8_000) for _ in range(tools))
    call.finishes(char * 2_000, tools=asked)
    for tool in history.open_tools(call.state):
        outcome = json.dumps({"summary": char * 4_000}, ensure_ascii=False)
        call.tool(tool.intent, outcome, then=Then("transfer", "+" * 40, char * 200))


@pytest.mark.parametrize("char", "a长😀")
def test_the_worst_that_can_be_said_at_once_fits(char: str) -> None:
    call = largest(char)
    assert fitting.MAX_STATE_BYTES == MAX_BYTES
    for _ in range(3):
        call.types(char * 5_000)
        call.finds(call.state.retrieving or char, *[char * 800] * 10)
        for _ in range(200):
            call.phrase(char * 100)
        ends_with(call, char, 8)
        call.starts()
        for _ in range(3):
            call.words(char * 5_000)
            call.final(char * 5_000)
        call.ends()
        assert fitting.size(call.state) >= size(call)
        assert size(call) <= MAX_BYTES
        line = [line for line in call.state.history if isinstance(line, CallerLine)][-1]
        assert len(line.text.encode()) >= fitting.MIN_CALLER_BYTES


STEPS = (
    "types", "words", "final", "ends", "eager", "phrase", "round", "finds", "tool", "heard", "cut", "filler", "starts",
)  # fmt: skip
STEP = st.tuples(st.sampled_from(STEPS), st.sampled_from("a长😀"), st.sampled_from([1, 900, 4_000]))


@settings(deadline=None, max_examples=60)
@given(st.lists(STEP, max_size=40))
def test_whatever_happens_in_whatever_order_the_state_fits(steps: list[tuple[str, str, int]]) -> None:
    call = largest("😀")
    for step, char, many in steps:
        text, state = char * many, call.state
        utterance = state.sounding or state.utterance
        acts: dict[str, Callable[[], object]] = {
            "types": lambda: call.types(text),  # noqa: B023
            "words": lambda: call.words(text),  # noqa: B023
            "final": lambda: call.final(text),  # noqa: B023
            "ends": lambda: call.ends(text),  # noqa: B023
            "eager": lambda: call.eager(text),  # noqa: B023
            "starts": call.starts,
            "phrase": lambda: thinks(call) and call.phrase(text),  # noqa: B023
            "round": lambda: ends_with(call, char, 3),  # noqa: B023
            "finds": lambda: call.finds(state.retrieving, *[text] * 3),  # noqa: B023
            "tool": lambda: [call.tool(t.intent, text) for t in history.open_tools(state)],  # noqa: B023
            "heard": lambda: call.hears(utterance),  # noqa: B023
            "cut": lambda: call.cut(utterance, many),  # noqa: B023
            "filler": lambda: call.wait(1_500),
        }
        acts[step]()
        call.at += 500
        assert fitting.size(call.state) >= size(call)
        assert size(call) <= MAX_BYTES, step


def thinks(call: Script) -> bool:
    """Whether a round was ever asked for."""
    return bool(call.all_of(Think))
