"""OpenAI's own SDK against a stand-in that speaks its protocol."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, TooLate, VendorLost
from parley.settings import Settings
from services.llm.contract import (
    ChatRequest,
    FinishReason,
    Message,
    Passage,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from services.llm.histories import BROKE_IN, GO_ON, NO_RESULT
from services.llm.providers.openai import OpenAI, base_url
from testbed.rounds import Round, asks, heard, settings
from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Call, Reply
from testbed.vendors.openai.sim import OpenAISim
from tests.llm.odd_server import delta, odd_server

ORDER = ToolSpec(
    "check_order_status", "Where an order is.", '{"type":"object","properties":{"order_number":{"type":"string"}}}'
)
USER, BOT, TOOL = Role.USER, Role.ASSISTANT, Role.TOOL


@pytest.fixture
async def model(sim: OpenAISim) -> Any:
    provider = OpenAI(settings(sim.url, PARLEY_LLM_FIRST_TOKEN_S=0.5, PARLEY_LLM_STALL_S=0.3))
    yield provider
    await provider.aclose()


async def test_words_come_as_they_are_made_and_usage_is_counted(sim: OpenAISim, model: OpenAI) -> None:
    sim.tokens_per_s = 100
    made = await heard(model, asks("where are you", max_output_tokens=50, temperature=0.5))
    assert made.text == "You said: where are you. I am happy to help you with that today."
    assert made.deltas > 5
    assert made.finish is not None
    assert made.finish.reason is FinishReason.STOP
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) > (5, 5)
    body = sim.records[0].body
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("gpt-4.1-mini", 50, 0.5)


async def test_words_and_then_two_tool_calls(sim: OpenAISim, model: OpenAI) -> None:
    calls = (Call("check_order_status", {"order_number": "1234"}), Call("end_call"))
    sim.script = lambda messages, tools: Reply("Let me look.", calls)
    tools = (ORDER, ToolSpec("end_call", "", "{}"))
    made = await heard(model, asks("where is my order", tools=tools, tool_choice=ToolChoice.REQUIRED))
    assert made.text == "Let me look."
    assert [(c.name, json.loads(c.arguments)) for c in made.calls] == [
        ("check_order_status", {"order_number": "1234"}),
        ("end_call", {}),
    ]
    assert len({c.id for c in made.calls}) == 2
    assert not any(c.mistake for c in made.calls)
    assert made.finish is not None
    assert made.finish.reason is FinishReason.TOOL_CALLS
    assert sim.records[0].body["tools"][0]["function"]["parameters"]["properties"] == {
        "order_number": {"type": "string"}
    }
    assert sim.records[0].body["tool_choice"] == "required"


async def test_a_round_with_tool_results_an_interruption_and_knowledge(sim: OpenAISim, model: OpenAI) -> None:
    said = (
        Message(USER, "where is my order"),
        Message(BOT, "Let me look.", (ToolCall("c1", "check_order_status", "{}"), ToolCall("c2", "end_call", "{}"))),
        Message(TOOL, '{"summary":"on its way"}', tool_call_id="c1"),
        Message(BOT, "Your order is", interrupted=True),
        Message(USER, "wait"),
        Message(USER, "what about bikes"),
    )
    request = ChatRequest(system="Desk.", messages=said, passages=(Passage("Bikes cost 400.", "prices.md"),))
    await heard(model, request)
    sent = sim.records[0].body["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool", "tool", "assistant", "user"]
    assert [m["content"] for m in sent[3:5]] == ['{"summary":"on its way"}', NO_RESULT]
    assert sent[5]["content"] == "Your order is \u2014"
    reference, _, words = sent[6]["content"].rpartition("</reference>\n\n")
    assert "Bikes cost 400." in reference
    assert words == f"{BROKE_IN} wait\nwhat about bikes"


async def test_a_restarted_round_asks_to_go_on_after_the_words_heard(sim: OpenAISim, model: OpenAI) -> None:
    await heard(model, ChatRequest(messages=(Message(USER, "hi"), Message(BOT, "Hello, I", interrupted=True))))
    assert [m["content"] for m in sim.records[0].body["messages"]] == ["hi", "Hello, I \u2014", GO_ON]


async def test_closing_the_generator_stops_the_model(sim: OpenAISim, model: OpenAI) -> None:
    sim.tokens_per_s = 50
    async with aclosing(model.chat(asks("tell me everything"))) as events:  # type: ignore[type-var]
        async for event in events:
            assert isinstance(event, TextDelta)
            break
    await sim.until(lambda: sim.records[0].disconnected and not sim.open_connections)
    assert len(sim.records[0].sent_text) < 20


async def test_one_connection_serves_turn_after_turn(sim: OpenAISim, model: OpenAI) -> None:
    await model.warm()
    for _ in range(3):
        await heard(model, asks("hello"))
    pool: Any = model._client._client._transport
    assert len(pool._pool.connections) == 1


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault("refuse", status=401), Misconfigured, "OPENAI_API_KEY"),
        (Fault("refuse", status=403), Misconfigured, "OPENAI_API_KEY"),
        (Fault("refuse", status=404, message="no such model"), Misconfigured, "no such model"),
        (Fault("refuse", status=429), AtCapacity, "takes no more requests"),
        (Fault("refuse", status=413, message="too long"), BadInput, "too long"),
        (Fault("refuse", status=500), VendorLost, "failed"),
        (Fault("refuse", status=503), VendorLost, "failed"),
        (Fault("slow", after_ms=2000), TooLate, "no token in time"),
        (Fault("stall"), TooLate, "no token in time"),
        (Fault("close"), VendorLost, "lost"),
        (Fault("error", message="overloaded"), VendorLost, "overloaded"),
    ],
)
async def test_failures_before_the_first_word(
    sim: OpenAISim, model: OpenAI, fault: Fault, error: type[ParleyError], words: str
) -> None:
    sim.faults.add(fault)
    with pytest.raises(error, match=words):
        await heard(model, asks("hello"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("stall", after_items=6), TooLate),
        (Fault("close", after_items=6), VendorLost),
        (Fault("error", after_items=6), VendorLost),
    ],
)
async def test_failures_in_mid_answer(sim: OpenAISim, model: OpenAI, fault: Fault, error: type[ParleyError]) -> None:
    sim.tokens_per_s = 100
    sim.faults.add(fault)
    made = Round()

    async def listen() -> None:
        async for event in model.chat(asks("hello")):
            made.take(event)

    with pytest.raises(error):
        await listen()
    assert made.text.startswith("You said")
    await sim.until(lambda: not sim.open_connections)


@pytest.mark.parametrize("after", [0, 6])
async def test_a_line_that_cannot_be_read_is_skipped(sim: OpenAISim, model: OpenAI, after: int) -> None:
    sim.faults.add(Fault("garbage", after_items=after))
    assert (await heard(model, asks("hello"))).text.startswith("You said: hello. I am happy")


async def test_a_kept_connection_that_the_server_has_closed_is_not_a_failure() -> None:
    async with odd_server(delta(content="Hello"), delta("stop")) as odd:
        model = OpenAI(settings(odd.url))
        await heard(model, asks("hi"))
        odd.answers = lambda body: odd.chunks if len(odd.bodies) != 2 else None
        assert (await heard(model, asks("hi"))).text == "Hello"
        assert len(odd.bodies) == 3
        odd.answers = lambda body: None
        for _ in range(3):
            with pytest.raises(VendorLost):
                await heard(model, asks("hi"))
        assert len(odd.bodies) == 3 + 4, "a server that is away is not asked twice each time"
        await model.aclose()


async def test_a_server_that_is_down() -> None:
    model = OpenAI(settings("http://127.0.0.1:9"))
    await model.warm()
    with pytest.raises(VendorLost):
        await heard(model, asks("hello"))
    await model.aclose()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234/", "http://127.0.0.1:1234/v1"),
        ("http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1"),
        ("wss://example.org/openai/v1", "https://example.org/openai/v1"),
        ("127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
    ],
)
def test_base_urls_come_in_many_forms(given: str, used: str) -> None:
    assert base_url(given) == used


def test_what_is_no_url_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="OPENAI_BASE_URL"):
        base_url("ftp://x")


def test_openai_itself_wants_a_key() -> None:
    with pytest.raises(Misconfigured, match="OPENAI_API_KEY"):
        OpenAI(Settings.read(OPENAI_API_KEY="", OPENAI_BASE_URL="https://api.openai.com"))
