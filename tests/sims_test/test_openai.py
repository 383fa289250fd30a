"""The model stand-in, driven by OpenAI's own SDK."""

import asyncio
import json
from typing import Any

import numpy as np
import openai
import pytest

from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Call, Reply, Rule, by_rules
from testbed.vendors.openai.sim import OpenAISim

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "check_order_status", "parameters": {"type": "object"}}},
]
RULES = by_rules(
    [
        Rule(heard=r"order (\d+)", call="check_order_status", arguments={"order_id": "{1}"}),
        Rule(told=r"shipped", say="Good news: {0}."),
    ]
)


def client(sim: OpenAISim, key: str = "k") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=sim.base_url, max_retries=0)


async def ask(sim: OpenAISim, messages: list[Any], **more: Any) -> list[Any]:
    stream = await client(sim).chat.completions.create(
        model="m", messages=messages, stream=True, stream_options={"include_usage": True}, **more
    )
    return [chunk async for chunk in stream]


def text(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def said(words: str) -> dict[str, str]:
    return {"role": "user", "content": words}


async def test_an_unscripted_answer_quotes_the_caller() -> None:
    async with OpenAISim() as sim:
        chunks = await ask(sim, [said("Where is my parcel?")])
        assert "where is my parcel" in text(chunks).lower()
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens > 5
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert sim.records[-1].finished


async def test_a_tool_call_comes_in_fragments_and_its_result_is_told() -> None:
    async with OpenAISim(script=RULES) as sim:
        chunks = await ask(sim, [said("Where is order 1234?")], tools=TOOLS)
        parts = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices and c.choices[0].delta.tool_calls]
        arguments = "".join(part.function.arguments for part in parts)
        assert (parts[0].function.name, json.loads(arguments)) == ("check_order_status", {"order_id": "1234"})
        assert len(parts) > 3
        assert all(part.id is None for part in parts[1:])
        function = {"name": "check_order_status", "arguments": arguments}
        call = {"id": parts[0].id, "type": "function", "function": function}
        history = [
            said("Where is order 1234?"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": parts[0].id, "content": "shipped on Friday"},
        ]
        assert text(await ask(sim, history, tools=TOOLS)) == "Good news: shipped on Friday."
        with pytest.raises(openai.BadRequestError, match="did not have response messages"):
            await ask(sim, [*history[:2], said("hello?")], tools=TOOLS)


async def test_two_calls_and_words_in_one_answer() -> None:
    reply = Reply("One moment.", (Call("check_order_status", {"order_id": "1"}), Call("end_call", "{broken")))
    async with OpenAISim(script=lambda _messages, _tools: reply) as sim:
        answer = await client(sim).chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        message = answer.choices[0].message
        assert message.content == "One moment."
        assert [call.function.name for call in message.tool_calls or [] if call.type == "function"] == [
            "check_order_status",
            "end_call",
        ]
        chunks = await ask(sim, [said("hi")])
        indices = {d.index for c in chunks if c.choices for d in c.choices[0].delta.tool_calls or []}
        assert indices == {0, 1}


async def test_tokens_come_at_the_pace_asked_for() -> None:
    loop = asyncio.get_running_loop()
    script = lambda _m, _t: Reply("word " * 16)  # noqa: E731
    async with OpenAISim(script=script, ttft_ms=100, tokens_per_s=100) as sim:
        begin = loop.time()
        stream = await client(sim).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        times = [loop.time() - begin async for chunk in stream if chunk.choices[0].delta.content]
        assert times[0] >= 0.1 - 0.01
        assert times[-1] >= 0.1 + 0.2 - 0.08, "never before their time; how long after it is the machine's business"


async def test_hanging_up_on_the_model_is_noticed() -> None:
    async with OpenAISim(script=lambda _m, _t: Reply("word " * 100), tokens_per_s=50) as sim:
        stream = await client(sim).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        async with stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
        await sim.until(lambda: sim.records[-1].disconnected)
        assert not sim.records[-1].finished
        assert len(sim.records[-1].sent_text) < 100


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
)
async def test_refusals(status: int, error: type[Exception]) -> None:
    async with OpenAISim(api_key="right") as sim:
        if status != 401:
            sim.faults.add(Fault("refuse", status=status, times=1))
        with pytest.raises(error):
            await client(sim, "wrong" if status == 401 else "right").chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}]
            )


async def test_an_error_in_mid_stream() -> None:
    async with OpenAISim() as sim:
        sim.faults.add(Fault("error", after_items=3, message="overloaded"))
        with pytest.raises(openai.APIError, match="overloaded"):
            await ask(sim, [said("hello")])


async def test_a_cut_stalled_or_garbled_stream() -> None:
    async with OpenAISim() as sim:
        sim.faults.add(Fault("close", after_items=3, times=1))
        with pytest.raises(openai.APIError):
            await ask(sim, [said("hello")])
        sim.faults.add(Fault("garbage", after_items=2, times=1))
        with pytest.raises((openai.APIError, ValueError)):
            await ask(sim, [said("hello")])
        sim.faults.add(Fault("stall", after_items=2, times=1))
        asking = asyncio.ensure_future(ask(sim, [said("hello")]))
        await sim.until(lambda: len(sim.records) == 3 and bool(sim.records[-1].sent_text))
        await asyncio.wait([asking], timeout=0.2)
        assert not asking.done(), "it stands still"
        asking.cancel()
        assert text(await ask(sim, [said("hello")]))


async def test_a_server_that_is_only_almost_compatible() -> None:
    reply = Reply("", (Call("check_order_status", {"order_id": "1"}), Call("end_call")))
    quirks = ("index_zero", "no_id", "whole_arguments", "finish_stop", "reasoning", "no_usage")
    async with OpenAISim(script=lambda _m, _t: reply, quirks=quirks) as sim:
        chunks = await ask(sim, [said("hi")])
    calls = [call for c in chunks for call in c.choices[0].delta.tool_calls or []]
    assert [(call.index, call.id, call.function.arguments) for call in calls] == [
        (0, None, '{"order_id": "1"}'),
        (0, None, "{}"),
    ]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert any(getattr(c.choices[0].delta, "reasoning_content", None) for c in chunks)
    with pytest.raises(ValueError, match="quirks: unknown"):
        OpenAISim(quirks=("sings",))


async def test_a_server_that_is_slow_to_begin() -> None:
    async with OpenAISim() as sim:
        sim.faults.add(Fault("slow", after_ms=400, times=1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(sim, [said("hello")])
        assert text(await ask(sim, [said("hello")]))


async def test_an_answer_that_stands_still_in_its_middle_and_goes_on() -> None:
    async with OpenAISim(script=lambda *_: Reply("one two three four five six", tokens_per_s=100)) as sim:
        asked = asyncio.ensure_future(ask(sim, [said("hello")]))
        await sim.until(lambda: bool(sim.records) and bool(sim.live))
        sim.strike(Fault("slow", after_ms=300))
        assert text(await asked) == "one two three four five six"
        (record,) = sim.records
        assert record.finished
        assert 0.3 <= record.over_at - record.at < 3


async def test_models_and_embeddings() -> None:
    async with OpenAISim() as sim:
        listed = await client(sim).models.list()
        assert "gpt-4o-mini" in [model.id for model in listed.data]
        made = await client(sim).embeddings.create(
            model="text-embedding-3-small", input=["opening hours on friday", "hours on friday", "red shoes"]
        )
        first, second, third = (np.array(item.embedding) for item in made.data)
        assert len(first) == 1536
        assert first @ second > 0.6 > 0.2 > first @ third
