"""Tool calls as servers send them, put together, and as models get them wrong, told."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.llm.calls import MAX_ARGUMENTS, MAX_CALLS, arguments_of, check, checked
from services.llm.contract import FinishReason, ToolCall, ToolChoice, ToolSpec
from services.llm.providers.openai import OpenAI
from testbed.rounds import Round, asks, heard, settings
from tests.llm.odd_server import OddServer, calls, delta, message, odd_server

ORDER = ToolSpec(
    "check_order_status",
    "",
    '{"type":"object","properties":{"order":{"type":"string"}},"required":["order"]}',
)
HOURS = ToolSpec("get_hours", "", '{"type":"object","properties":{"day":{"type":"string"}}}')
END = ToolSpec("end_call", "", "{}")
TOOLS = (ORDER, HOURS, END)
CHECK, LOOK = "check_order_status", "get_hours"
A, B = '{"order":"1"}', '{"order":"2"}'


@asynccontextmanager
async def server(*chunks: Any, **more: Any) -> AsyncIterator[tuple[OddServer, OpenAI]]:
    async with odd_server(*chunks, **more) as odd:
        model = OpenAI(settings(odd.url, PARLEY_LLM_FIRST_TOKEN_S=5))
        try:
            yield odd, model
        finally:
            await model.aclose()


async def said(*chunks: Any, **more: Any) -> Round:
    async with server(*chunks) as (odd, model):
        made = await heard(model, asks("hi", **{"tools": TOOLS, **more}))
        assert len(odd.bodies) == 1
        return made


def named(made: Round) -> list[tuple[str, Any]]:
    return [(c.name, json.loads(c.arguments)) for c in made.calls]


def f(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A fragment."""
    given = {"name": name, "arguments": arguments}
    return {**more, "function": {key: value for key, value in given.items() if value is not None}}


TWO = [(CHECK, {"order": "1"}), (CHECK, {"order": "2"})]
BOTH = [(CHECK, {"order": "1"}), (LOOK, {})]
FRAGMENTS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, Any]]]] = {
    "as OpenAI sends them": (
        [
            calls(f(CHECK, "", index=0, id="call_a")),
            calls(f(None, A[:5], index=0)),
            calls(f(None, A[5:], index=0)),
            calls(f(CHECK, "", index=1, id="call_b")),
            calls(f(None, B, index=1)),
        ],
        TWO,
    ),
    "interleaved": (
        [
            calls(f(CHECK, '{"ord', index=0, id="a"), f(CHECK, '{"order"', index=1, id="b")),
            calls(f(None, 'er":"1"}', index=0), f(None, ':"2"}', index=1)),
        ],
        TWO,
    ),
    "all at index 0": ([calls(f(CHECK, A, index=0, id="a")), calls(f(CHECK, B, index=0, id="b"))], TWO),
    "all at index 0, in pieces": (
        [
            calls(f(CHECK, A, index=0, id="a")),
            calls(f(LOOK, "", index=0, id="b")),
            calls(f(None, '{"day":', index=0)),
            calls(f(None, '"monday"}', index=0)),
        ],
        [(CHECK, {"order": "1"}), (LOOK, {"day": "monday"})],
    ),
    "the same id for both": ([calls(f(CHECK, A, index=0, id="0")), calls(f(CHECK, B, index=1, id="0"))], TWO),
    "the same id and index for both": ([calls(f(CHECK, A, index=0, id="0")), calls(f(CHECK, B, index=0, id="0"))], TWO),
    "no id, no index": ([calls(f(CHECK, A)), calls(f(CHECK, B))], TWO),
    "empty id, null index": ([calls(f(CHECK, A, id="", index=None)), calls(f(LOOK, "", id="", index=None))], BOTH),
    "two without arguments": ([calls(f(LOOK, "", index=0), f(LOOK, "", index=1))], [(LOOK, {}), (LOOK, {})]),
    "indexes that are strings": (
        [calls(f(CHECK, "", index="0")), calls(f(None, A, index="0")), calls(f(CHECK, B, index="1"))],
        TWO,
    ),
    "no index behind the first": (
        [calls(f(CHECK, "", index=0, id="a")), calls(f(None, A)), calls(f(CHECK, B, index=1))],
        TWO,
    ),
    "an index for every fragment": (
        [calls(f(CHECK, "", index=0)), calls(f(None, A[:4], index=1)), calls(f(None, A[4:], index=2))],
        TWO[:1],
    ),
    "an id for every fragment": (
        [
            calls(f(CHECK, "", index=0, id="x")),
            calls(f(None, A[:4], index=0, id="y")),
            calls(f(None, A[4:], index=0, id="z")),
        ],
        TWO[:1],
    ),
    "the id late": ([calls(f(CHECK, "", index=0)), calls(f(None, A, index=0, id="a"))], TWO[:1]),
    "the id in pieces": (
        [calls(f("check_", None, index=0, id="ca")), calls(f("order_status", A, index=0, id="ll"))],
        TWO[:1],
    ),
    "the name in pieces": (
        [calls(f("check_", "", index=0, id="a")), calls(f("order", "", index=0)), calls(f("_status", A, index=0))],
        TWO[:1],
    ),
    "the name in letters": ([*[calls(f(c, None, index=0)) for c in CHECK], calls(f(None, A, index=0))], TWO[:1]),
    "the name in every fragment": (
        [calls(f(CHECK, A[:3], index=0, id="a")), calls(f(CHECK, A[3:], index=0, id="a"))],
        TWO[:1],
    ),
    "the name growing": (
        [calls(f("check", "", index=0)), calls(f(CHECK, "", index=0)), calls(f(None, A, index=0))],
        TWO[:1],
    ),
    "arguments again": ([calls(f(CHECK, A, index=0, id="a")), calls(f(CHECK, A, index=0, id="a"))], TWO[:1]),
    "arguments growing": ([calls(f(CHECK, A[:6], index=0)), calls(f(None, A, index=0))], TWO[:1]),
    "arguments as an object": ([calls(f(CHECK, {"order": "1"})), calls(f(LOOK, {}))], BOTH),
    "an empty object first": ([calls(f(CHECK, "{}", index=0, id="a")), calls(f(None, A, index=0))], TWO[:1]),
    "flat calls": ([calls({"name": CHECK, "arguments": A}), calls({"name": LOOK, "parameters": {}})], BOTH),
    "one call, no list": ([delta(tool_calls=f(CHECK, A))], TWO[:1]),
    "function_call": (
        [delta(function_call={"name": CHECK, "arguments": ""}), delta(function_call={"arguments": A})],
        TWO[:1],
    ),
    "in a message": ([message("tool_calls", content=None, tool_calls=[f(CHECK, A, id="a"), f(CHECK, B, id="b")])], TWO),
    "in a message that repeats": (
        [calls(f(CHECK, A, index=0)), message("tool_calls", tool_calls=[f(CHECK, A)])],
        TWO[:1],
    ),
    "in messages that grow": (
        [message(None, tool_calls=[f(CHECK, A)]), message("stop", tool_calls=[f(CHECK, A), f(CHECK, B)])],
        TWO,
    ),
    "in messages one by one": (
        [message(None, tool_calls=[f(CHECK, A)]), message("stop", tool_calls=[f(CHECK, B)])],
        TWO,
    ),
    "function_call in a message": ([message("function_call", function_call={"name": CHECK, "arguments": A})], TWO[:1]),
    "packed into one": (
        [
            calls(
                f(
                    "multi_tool_use.parallel",
                    json.dumps(
                        {
                            "tool_uses": [
                                {"recipient_name": f"functions.{CHECK}", "parameters": {"order": n}} for n in "12"
                            ]
                        }
                    ),
                )
            )
        ],
        TWO,
    ),
    "behind a namespace": ([calls(f(f"functions.{CHECK}", A))], TWO[:1]),
    "with a token behind the name": ([calls(f(f"{CHECK}<|channel|>commentary", A))], TWO[:1]),
    "in other letters": ([calls(f("Check-Order-Status ", A))], TWO[:1]),
    "arguments in a fence": ([calls(f(CHECK, f"```json\n{A}\n```"))], TWO[:1]),
    "a token behind the arguments": ([calls(f(CHECK, f"{A}<|im_end|>"))], TWO[:1]),
    "encoded twice": ([calls(f(CHECK, json.dumps(A)))], TWO[:1]),
    "encoded thrice": ([calls(f(CHECK, json.dumps(json.dumps(A))))], TWO[:1]),
    "null for none": ([calls(f(LOOK, "null"))], BOTH[1:]),
    "blanks for none": ([calls(f(LOOK, " \n"))], BOTH[1:]),
}


@pytest.mark.parametrize("case", FRAGMENTS)
async def test_calls_are_put_together(case: str) -> None:
    chunks, meant = FRAGMENTS[case]
    async with server() as (odd, model):
        for finish in ("tool_calls", "stop", "tool_use", None):
            for odd.done in (True, False):
                odd.chunks = [*chunks, *([delta(finish)] if finish else [])]
                made = await heard(model, asks("hi", tools=TOOLS))
                assert named(made) == meant
                assert not any(call.mistake for call in made.calls)
                ours = [call.id for call in made.calls if re.fullmatch("c[0-9a-f]{8}", call.id)]
                assert len(set(ours)) == len(made.calls), "ids are ours, as every vendor takes them"
                assert made.finish is not None
                assert made.finish.reason is FinishReason.TOOL_CALLS


MISTAKES = [
    (CHECK, '{"order": 12', "not one JSON object"),
    (CHECK, "{}{}", "not one JSON object"),
    (CHECK, '["1"]', "not one JSON object"),
    (CHECK, "12", "not one JSON object"),
    (CHECK, "null", "needed are: order"),
    (CHECK, "", "needed are: order"),
    (CHECK, "  ", "needed are: order"),
    (CHECK, "order=12", "not one JSON object"),
    (CHECK, '"12"', "not one JSON object"),
    (CHECK, "[" * 5000, "not one JSON object"),
    (CHECK, '{"order": "' + "1" * (MAX_ARGUMENTS + 10) + '"}', "are allowed"),
    ("check_weather", "{}", "no tool 'check_weather'; the tools are: check_order_status, get_hours, end_call"),
    ("", "{}", "names no tool"),
    (" ", A, "names no tool"),
]


@pytest.mark.parametrize(("name", "arguments", "told"), MISTAKES)
async def test_what_the_model_got_wrong_is_told_and_no_fault_of_the_server(
    name: str, arguments: str, told: str
) -> None:
    fragment = calls(f(name, arguments, index=0, id="a"), f(LOOK, "{}", index=1, id="b"))
    made = await said(
        delta(content="Let me look."),
        fragment,
        delta("tool_calls"),
    )
    bad, good = made.calls
    assert told in bad.mistake
    assert (bad.arguments, len(bad.mistake) < 400) == ("{}", True)
    assert (good.name, good.mistake) == (LOOK, "")
    assert made.text == "Let me look."


async def test_of_too_many_calls_the_model_is_told_once() -> None:
    made = await said(
        calls(*[f(LOOK, "{}", index=n) for n in range(500)]),
        delta("tool_calls"),
    )
    assert [bool(call.mistake) for call in made.calls] == [False] * MAX_CALLS + [True]
    assert "more than 8 tools" in made.calls[-1].mistake


@pytest.mark.parametrize("letter", ["a", "é", "您", "😀"])
def test_arguments_are_counted_in_characters(letter: str) -> None:
    fits = '{"x":"' + letter * (MAX_ARGUMENTS - 8) + '"}'
    assert len(fits) == MAX_ARGUMENTS
    assert arguments_of(fits) == (fits, "")
    assert "are allowed" in arguments_of(f"{fits} ")[1]


async def test_a_call_that_was_cut_by_the_length_limit_is_told_and_the_ones_before_it_done() -> None:
    made = await said(
        calls(f(CHECK, A, index=0), f(CHECK, '{"order": "2', index=1)),
        delta("length"),
    )
    assert [bool(call.mistake) for call in made.calls] == [False, True]


async def test_nothing_is_called_when_no_tool_may_be() -> None:
    made = await said(delta(content="Hello"), calls(f(CHECK, A)), delta("tool_calls"), tool_choice=ToolChoice.NONE)
    assert (made.text, made.calls) == ("Hello", [])
    assert made.finish is not None
    assert made.finish.reason is FinishReason.STOP


async def test_what_a_filter_stopped_is_not_done() -> None:
    assert (
        await said(
            calls(f(CHECK, A)),
            delta("content_filter"),
        )
    ).calls == []


def test_a_name_that_could_be_two_tools_is_none() -> None:
    tools = (ToolSpec("get-hours", "", "{}"), ToolSpec("gethours", "", "{}"))
    assert "no tool" in check(ToolCall("", "GetHours", "{}"), tools).mistake
    assert not check(ToolCall("", "gethours", "{}"), tools).mistake


def test_a_mistake_quotes_what_was_written() -> None:
    (told,) = checked([ToolCall("x", CHECK, '{"order": "12')], TOOLS)
    assert '{"order": "12' in told.mistake
    assert told.id != "x"
