"""Servers that nearly speak OpenAI's protocol: Ollama, vLLM, llama.cpp, Mistral, proxies, and their habits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, TooLate, VendorLost
from services.llm.contract import FinishReason, ToolChoice, ToolSpec
from services.llm.providers.openai import OpenAI
from services.llm.providers.openai_answer import MAX_WORDS
from testbed.rounds import Round, asks, heard, settings
from tests.llm.odd_server import OddServer, calls, delta, message, odd_server


async def said(odd: OddServer, **more: Any) -> Round:
    model = OpenAI(settings(odd.url, PARLEY_LLM_FIRST_TOKEN_S=1, PARLEY_LLM_STALL_S=1))
    try:
        return await heard(model, asks("hi", **more))
    finally:
        await model.aclose()


def sse(*values: Any) -> bytes:
    """As a plain server writes it."""
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


HELLO, THERE, STOP = delta(content="Hello"), delta(content=" there"), delta("stop")
JSON = json.dumps(HELLO)
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}

STREAMS: dict[str, list[Any]] = {
    "no space behind data:": [b"data:" + JSON.encode() + b"\n\n", STOP],
    "no empty lines": [b"data: " + JSON.encode() + b"\ndata: " + json.dumps(STOP).encode() + b"\n"],
    "carriage returns alone": [b"data: " + JSON.encode() + b"\r\rdata: " + json.dumps(STOP).encode() + b"\r\r"],
    "a CRLF in two reads": [b"data: " + JSON.encode() + b"\r", b"\n\r\n", STOP],
    "a byte order mark": [b"\xef\xbb\xbf" + sse(HELLO), STOP],
    "comments, ids and names": [b": OPENROUTER PROCESSING\n\nid: 1\nevent: message\nretry: 5\n" + sse(HELLO), STOP],
    "an event over several lines": [b"data: " + JSON[:20].encode() + b"\ndata: " + JSON[20:].encode() + b"\n\n", STOP],
    "lines that are no JSON": ["{broken", HELLO, "hello", STOP],
    "a broken line without an end": [b'data: {"id": "chatcmpl-\n' + sse(HELLO), STOP],
    "JSON that is no object": ["[]", "1", '"x"', "null", "true", HELLO, STOP],
    "empty data": ["", HELLO, "", STOP],
    "choices of other kinds": [
        '{"choices": 5}',
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": {}}',
        HELLO,
        STOP,
    ],
    "delta of other kinds": [{"choices": [{"delta": None}]}, {"choices": [{"delta": []}]}, HELLO, STOP],
    "tool calls of other kinds": [calls(7), delta(tool_calls=None), delta(tool_calls="x"), HELLO, STOP],  # type: ignore[arg-type]
    "an error that is none": [{**HELLO, "error": None}, {**STOP, "error": {}}],
    "two values in one line of JSON": [b'{"choices":[]}\n' + JSON.encode() + b"\n", STOP],
    "a character in two reads": [sse(delta(content="é"))[:-20], sse(delta(content="é"))[-20:], STOP],
    "nothing behind the reason": [HELLO, b"data: " + json.dumps(STOP).encode()],
    "DONE in quotes": [HELLO, '"[DONE]"'],
}


@pytest.mark.parametrize("case", STREAMS)
async def test_what_says_nothing_is_skipped_and_the_words_are_heard(case: str) -> None:
    async with odd_server(*STREAMS[case]) as odd:
        assert (await said(odd)).text.removeprefix("é") in ("Hello", "")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(message(content="Hello")).encode(),
        json.dumps(message(content="Hello"), indent=2).encode(),
        json.dumps({**message(content="Hello"), "usage": USAGE}).encode() + b"\n",
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
async def test_a_server_that_does_not_stream_is_heard(body: bytes, content_type: str) -> None:
    async with odd_server(body, done=False, content_type=content_type) as odd:
        made = await said(odd)
    assert (made.text, made.finish and made.finish.reason) == ("Hello", FinishReason.STOP)


async def test_a_stream_in_any_pieces_says_the_same() -> None:
    whole = b": hi\r\n\r\n" + sse(delta(content="H\u00e9llo \U0001f600 ")) + b"data: x\n\n" + sse(THERE, STOP)
    for size in (1, 2, 3, 7):
        async with odd_server(*[whole[n : n + size] for n in range(0, len(whole), size)]) as odd:
            assert (await said(odd)).text == "H\u00e9llo \U0001f600  there"


SHAPES: dict[str, list[Any]] = {
    "a list of parts": [delta(content=[{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}])],
    "strings as parts": [delta(content=["Hel", "lo"])],
    "a text with a value": [delta(content=[{"type": "text", "text": {"value": "Hello"}}])],
    "one part": [delta(content={"type": "output_text", "text": "Hello"})],
    "thoughts among the parts": [
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
        delta(content=[{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "Hello"}]),
    ],
    "text": [delta(text="Hello")],
    "text of the choice": [{"choices": [{"text": "Hel"}]}, {"choices": [{"text": "lo", "finish_reason": None}]}],
    "a refusal": [delta(content=None, refusal="Hello")],
    "the words of a sound": [delta(audio={"id": "a", "transcript": "Hello", "data": "AA=="})],
    "a message": [message(content="Hello")],
    "a message that repeats": [HELLO, message(content="Hello")],
    "messages that grow": [message(None, content="Hel"), message(None, content="Hello"), message(content="Hello")],
    "messages in pieces": [message(None, content="He"), message(None, content="llo")],
    "the message of a native server": [{"message": {"role": "assistant", "content": "Hello"}, "done_reason": "stop"}],
    "the same in two fields": [delta(content="Hello", text="Hello")],
    "nothing before": [delta(role="assistant", content=None), delta(content=""), delta(content=[]), HELLO],
    "thoughts in fields of their own": [
        delta(reasoning="I wonder"),
        delta(reasoning_content="hmm"),
        delta(thinking="hm"),
        delta(thoughts=["x"]),
        delta(reasoning_details=[{"type": "reasoning.text", "text": "hm"}]),
        HELLO,
    ],
    "several choices": [
        {"choices": [{"index": 0, "delta": {"content": "Hello"}}, {"index": 1, "delta": {"content": "Hi"}}]}
    ],
}


@pytest.mark.parametrize("case", SHAPES)
async def test_words_are_heard_in_whatever_field_they_come(case: str) -> None:
    async with odd_server(*SHAPES[case], STOP) as odd:
        assert (await said(odd)).text == "Hello"


async def test_an_emoji_in_two_halves_is_one() -> None:
    async with odd_server(
        r'{"choices":[{"delta":{"content":"a\ud83d"}}]}', r'{"choices":[{"delta":{"content":"\ude00b"}}]}'
    ) as odd:
        assert (await said(odd)).text == "a\U0001f600b"


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        *[(reason, FinishReason.STOP) for reason in ("stop", "eos", "end_turn", "tool_use", "STOP", "", "whatever", 1)],
        *[(reason, FinishReason.LENGTH) for reason in ("length", "max_tokens", "MAX_TOKENS", "model_length")],
        *[(reason, FinishReason.FILTER) for reason in ("content_filter", "SAFETY")],
    ],
)
async def test_every_reason_ends_an_answer(reason: Any, means: FinishReason) -> None:
    async with odd_server(HELLO, delta(reason)) as odd:
        made = await said(odd)
    assert (made.text, made.finish and made.finish.reason) == ("Hello", means)


@pytest.mark.parametrize("ends", [{"done": True}, {"done": False}])
async def test_an_end_without_a_reason_is_an_end_behind_words(ends: dict[str, bool]) -> None:
    async with odd_server(HELLO, THERE, **ends) as odd:
        assert (await said(odd)).text == "Hello there"


async def test_google_s_name_for_the_reason() -> None:
    async with odd_server({"choices": [{"index": 0, "delta": {"content": "Hello"}, "finishReason": "length"}]}) as odd:
        made = await said(odd)
    assert (made.text, made.finish and made.finish.reason) == ("Hello", FinishReason.LENGTH)


async def test_a_server_that_keeps_the_stream_open_behind_the_end_is_not_waited_for() -> None:
    async with odd_server(HELLO, STOP, *[b": ping\n\n"] * 3, done=False, breaks=True) as odd:
        assert (await said(odd)).text == "Hello"


@pytest.mark.parametrize(
    "chunks", [[], [delta(role="assistant", content="")], [delta(reasoning_content="Hm.")], [b"<html>Log in</html>"]]
)
async def test_a_stream_that_closes_before_a_word_is_lost(chunks: list[Any]) -> None:
    async with odd_server(*chunks, done=False) as odd:
        with pytest.raises(VendorLost, match="before it said anything"):
            await said(odd)


async def test_a_connection_that_breaks_behind_words_is_lost() -> None:
    async with odd_server(HELLO, breaks=True) as odd:
        with pytest.raises(VendorLost, match="lost"):
            await said(odd)


async def test_a_stream_that_closes_within_a_call_is_lost() -> None:
    chunk = calls({"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"n": 12'}})
    async with odd_server(chunk, done=False) as odd:
        with pytest.raises(VendorLost, match="mid-answer"):
            await said(odd, tools=(ToolSpec("one", "", "{}"),))


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        ({"error": {"message": "overloaded", "type": "server_error"}}, VendorLost),
        ({"error": "out of memory"}, VendorLost),
        ({"error": {"message": "bad", "code": 400}}, BadInput),
        ({"object": "error", "message": "too long", "code": 400}, BadInput),
        ({"error": {"message": "slow down", "code": 429}}, AtCapacity),
        ({"error": {"message": "slow down", "type": "rate_limit_exceeded", "code": None}}, AtCapacity),
        ({"error": {"message": "no", "code": "401"}}, Misconfigured),
        ({"error": {"message": "gone", "code": 504}}, TooLate),
        (b'error: {"code": 500, "message": "Jinja"}\n\n', VendorLost),
        (b'event: error\ndata: {"message": "gone"}\n\n', VendorLost),
        (delta("error"), VendorLost),
    ],
)
async def test_an_error_in_the_stream_is_told_by_its_kind(chunk: Any, error: type[ParleyError]) -> None:
    async with odd_server(chunk) as odd:
        with pytest.raises(error):
            await said(odd)


async def test_an_error_does_not_speak() -> None:
    async with odd_server(b'{"message": "internal error"}', done=False) as odd:
        with pytest.raises(VendorLost):
            await said(odd)


@pytest.mark.parametrize(
    "chunks",
    [
        [{**HELLO, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}, {**STOP, "usage": USAGE}],
        [HELLO, {"choices": [{"delta": {}, "finish_reason": "stop", "usage": USAGE}]}],
        [HELLO, {**STOP, "x_groq": {"id": "r", "usage": USAGE}}],
        [HELLO, {**STOP, "timings": {"prompt_n": 7, "predicted_n": 3}}],
        [HELLO, STOP, {"choices": [], "usage": USAGE}],
        [HELLO, STOP, {"usage": {"prompt_tokens": "7", "completion_tokens": 3.0}}],
        [
            {**HELLO, "usage": "none"},
            {**STOP, "usage": {"prompt_tokens": [], "completion_tokens": None}},
            {"usage": USAGE},
        ],
        [HELLO, {"message": {"content": ""}, "done": True, "prompt_eval_count": 7, "eval_count": 3}],
    ],
)
async def test_usage_is_counted_wherever_it_stands(chunks: list[Any]) -> None:
    async with odd_server(*chunks) as odd:
        made = await said(odd)
    assert made.text == "Hello"
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) == (7, 3)


async def test_a_server_without_usage_is_estimated_and_a_mad_one_does_no_harm() -> None:
    async with odd_server(
        delta(content="four words are here"), {**delta("length"), "usage": {"prompt_tokens": -1}}
    ) as odd:
        made = await said(odd)
    assert made.usage is not None
    assert made.usage.output_tokens == 5
    async with odd_server(HELLO, {**STOP, "usage": {"prompt_tokens": 1e30, "completion_tokens": "NaN"}}) as odd:
        made = await said(odd)
    assert made.usage is not None
    assert made.usage.input_tokens < 1 << 32


async def test_a_server_that_cannot_be_told_to_call_no_tool_is_offered_none() -> None:
    tool = ToolSpec("end_call", "", "{}")
    async with odd_server(HELLO, STOP, refuses={"tool_choice"}) as odd:
        model = OpenAI(settings(odd.url))
        for choice, offered in ((ToolChoice.NONE, False), (ToolChoice.NONE, False), (ToolChoice.AUTO, True)):
            await heard(model, asks("hi", tools=(tool,), tool_choice=choice))
            assert ("tools" in odd.bodies[-1], "tool_choice" in odd.bodies[-1]) == (offered, False)
        await model.aclose()


@pytest.mark.parametrize("letter", ["a", "é", "您", "😀"])
async def test_an_answer_without_end_is_cut_at_characters(letter: str) -> None:
    async with odd_server(*[delta(content=letter * 30_000)] * 3, STOP) as odd:
        assert (await said(odd)).text == letter * MAX_WORDS


async def test_a_line_without_end_is_not_kept() -> None:
    async with odd_server('{"x": "' + "x" * (2 << 20)) as odd:
        with pytest.raises(VendorLost, match="longer than"):
            await said(odd)
