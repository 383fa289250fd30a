"""Servers that nearly speak OpenAI's protocol: Ollama, vLLM, llama.cpp and their habits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parley.errors import BadInput, VendorLost
from services.llm.contract import FinishReason, ToolChoice, ToolSpec
from services.llm.providers.openai import OpenAI
from tests.llm.conftest import Round, asks, heard, settings
from tests.llm.odd_server import OddServer, calls, delta, odd_server


async def said(odd: OddServer, **more: Any) -> Round:
    model = OpenAI(settings(odd.url, PARLEY_LLM_FIRST_TOKEN_S=1))
    try:
        return await heard(model, asks("hi", **more))
    finally:
        await model.aclose()


def named(made: Round) -> list[tuple[str, Any]]:
    return [(c.name, json.loads(c.arguments)) for c in made.calls]


async def test_parallel_calls_that_all_have_index_0() -> None:
    async with odd_server(
        calls({"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"n":1}'}}),
        calls({"index": 0, "id": "b", "function": {"name": "two", "arguments": ""}}),
        calls({"index": 0, "function": {"arguments": '{"n":2}'}}),
        delta("tool_calls"),
    ) as odd:
        made = await said(odd)
    assert named(made) == [("one", {"n": 1}), ("two", {"n": 2})]
    assert [c.id for c in made.calls] == ["a", "b"]


async def test_calls_without_ids_and_with_object_arguments_that_end_with_stop() -> None:
    async with odd_server(
        calls({"function": {"name": "one", "arguments": {"n": 1}}}),
        calls({"id": "", "function": {"name": "two", "arguments": None}}),
        delta("stop", content=""),
    ) as odd:
        made = await said(odd)
    assert named(made) == [("one", {"n": 1}), ("two", {})]
    assert len({c.id for c in made.calls}) == 2
    assert all(c.id for c in made.calls)
    assert made.finish is not None
    assert made.finish.reason is FinishReason.TOOL_CALLS


async def test_interleaved_fragments_are_joined_by_index() -> None:
    async with odd_server(
        calls({"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"n"'}}),
        calls({"index": 1, "id": "b", "function": {"name": "two", "arguments": "{"}}),
        calls({"index": 0, "id": "a", "function": {"name": "one", "arguments": ":1}"}}),
        calls({"index": 1, "function": {"arguments": "}"}}),
        delta("tool_calls"),
    ) as odd:
        made = await said(odd)
    assert named(made) == [("one", {"n": 1}), ("two", {})]


@pytest.mark.parametrize(
    "chunks",
    [
        [delta(reasoning="I wonder"), delta(reasoning_content="hmm"), delta(content="Hello"), delta("stop")],
        [
            delta(content="<th"),
            delta(content="ink>I wonder</thi"),
            delta(content="nk>\n\nHel"),
            delta("stop", content="lo"),
        ],
        [delta(content="<think>\n</think>\n\nHello"), delta("stop")],
        [delta(role="assistant", content=""), {"choices": []}, delta(content="Hello"), delta("stop"), {"usage": None}],
    ],
)
async def test_thoughts_are_never_spoken(chunks: list[Any]) -> None:
    async with odd_server(*chunks) as odd:
        assert (await said(odd)).text == "Hello"


async def test_words_that_only_begin_like_a_thought_are_spoken() -> None:
    async with odd_server(delta(content="<thi"), delta(content="s> is it"), delta("stop")) as odd:
        assert (await said(odd)).text == "<this> is it"
    async with odd_server(delta(content="<thi"), delta("stop")) as odd:
        assert (await said(odd)).text == "<thi"


async def test_a_server_without_usage_is_estimated() -> None:
    async with odd_server(delta(content="four words are here"), delta("length")) as odd:
        made = await said(odd)
    assert made.usage is not None
    assert made.usage.output_tokens == 5
    assert made.finish is not None
    assert made.finish.reason is FinishReason.LENGTH


@pytest.mark.parametrize("says", ["unknown field {field}", "bad request"])
async def test_a_server_that_refuses_stream_options_is_asked_without_and_remembered(says: str) -> None:
    async with odd_server(delta(content="Hello"), delta("stop"), refuses={"stream_options"}, says=says) as odd:
        model = OpenAI(settings(odd.url))
        for _ in range(2):
            assert (await heard(model, asks("hi"))).text == "Hello"
        await model.aclose()
        assert ["stream_options" in body for body in odd.bodies] == [True, False, False]


async def test_a_server_that_cannot_be_told_to_call_no_tool_is_offered_none() -> None:
    tool = ToolSpec("end_call", "", "{}")
    async with odd_server(delta(content="Hello"), delta("stop"), refuses={"tool_choice"}) as odd:
        model = OpenAI(settings(odd.url))
        for choice, offered in ((ToolChoice.NONE, False), (ToolChoice.NONE, False), (ToolChoice.AUTO, True)):
            await heard(model, asks("hi", tools=(tool,), tool_choice=choice))
            assert ("tools" in odd.bodies[-1], "tool_choice" in odd.bodies[-1]) == (offered, False)
        await model.aclose()


async def test_a_refusal_of_what_matters_is_the_request_s_fault() -> None:
    async with odd_server(refuses={"messages"}) as odd:
        with pytest.raises(BadInput, match="unknown field messages"):
            await said(odd)
        assert len(odd.bodies) == 2


async def test_a_stream_that_ends_without_a_reason_broke_off() -> None:
    async with odd_server(delta(content="Hel"), done=False) as odd:
        with pytest.raises(VendorLost, match="mid-answer"):
            await said(odd)


async def test_an_end_without_done_is_an_end() -> None:
    async with odd_server(delta(content="Hello"), delta("stop"), done=False) as odd:
        assert (await said(odd)).text == "Hello"


@pytest.mark.parametrize("chunk", ["[]", "1", '{"choices": 5}', '{"choices": [{"delta": {"tool_calls": [7]}}]}'])
async def test_what_is_no_chunk_is_an_error(chunk: str) -> None:
    async with odd_server(chunk, delta("stop")) as odd:
        with pytest.raises(VendorLost, match="no chunk"):
            await said(odd)


async def test_a_line_without_end_is_not_kept() -> None:
    async with odd_server('{"x": "' + "x" * (2 << 20)) as odd:
        with pytest.raises(VendorLost, match="longer than"):
            await said(odd)
