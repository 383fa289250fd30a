"""However much is said, found or given back, the call as a value stays small enough to carry along."""

from __future__ import annotations

import json
from dataclasses import replace

from parley.callstate import MAX_BYTES
from services.orchestrator import codec, history
from services.orchestrator.effects import Execute
from services.orchestrator.state import CallerLine, Passage, ToolUse
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


def test_a_caller_who_types_for_ever_fits_and_is_answered_on_the_start() -> None:
    call = Script()
    for _ in range(5):
        call.types("长" * 100_000)
        call.answers("Please be brief.")
        assert size(call) < MAX_BYTES
    lines = [line for line in call.state.history if isinstance(line, CallerLine)]
    assert all(0 < len(line.text.encode()) <= history.MAX_CALLER_BYTES for line in lines)


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
    out = call.finishes(tools=tuple(replace(ORDER, id=f"c{i}") for i in range(20)))
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
    call.finishes("a" * 6000, tools=(ORDER,))
    call.tool(1, json.dumps({"summary": "x" * 15_000}))
    call.words("uh-huh " * 1000)
    call.final("okay " * 5000)
    assert isinstance(call.state.passages[0], Passage)
    assert size(call) < MAX_BYTES
