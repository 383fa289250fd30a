"""The llm service as the orchestrator meets it: over gRPC."""

from __future__ import annotations

from typing import Any

import pytest

from parley.engines.breaker import OPEN as BREAKER
from parley.errors import AtCapacity, BadInput, Misconfigured, NotBuilt, TooLate, Unavailable, VendorLost
from parley.rpc import Peers, call
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.contract import ChatRequest, Finish, FinishReason, Requests, TextDelta
from services.llm.providers.openai import OpenAI
from testbed.rounds import asks, heard, service, settings
from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Call, Reply
from testbed.vendors.openai.sim import OpenAISim

Stub = llm_pb2_grpc.LanguageModelStub
User = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="where is my order")


async def chat(peers: Peers, **fields: Any) -> list[llm_pb2.ChatEvent]:
    request = llm_pb2.ChatRequest(**{"call_id": "c", "messages": [User], **fields})
    stream = await peers.open(Stub, "Chat", request=request)
    return [event async for event in stream]


async def test_a_round_ends_with_usage_and_finish(sim: OpenAISim) -> None:
    sim.script = lambda messages, tools: Reply("Let me look.", (Call("check_order_status", {"order_number": "1"}),))
    tool = llm_pb2.ToolSpec(name="check_order_status", parameters_json='{"type":"object"}')
    async with service(settings(sim.base_url)) as peers:
        events = await chat(peers, tools=[tool])
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[-3:] == ["tool_call", "usage", "finish"]
    assert "".join(event.text_delta for event in events) == "Let me look."
    assert events[-3].tool_call.arguments_json == '{"order_number": "1"}'
    assert events[-1].finish.reason == llm_pb2.Finish.REASON_TOOL_CALLS


async def test_cancelling_the_call_stops_the_model(sim: OpenAISim) -> None:
    sim.tokens_per_s = 50
    async with service(settings(sim.base_url)) as peers:
        stream = await peers.open(Stub, "Chat", request=llm_pb2.ChatRequest(messages=[User]))
        assert (await stream.read()).text_delta
        stream.cancel()
        await sim.until(lambda: sim.records[0].disconnected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": []}, "messages: 0 of them"),
        ({"messages": [User] * 601}, "messages: 601 of them"),
        ({"messages": [llm_pb2.Message(text="x")]}, r"messages\[0\].role"),
        ({"tools": [llm_pb2.ToolSpec(name="t", parameters_json="[1]")]}, r"tools\[0\].parameters_json"),
        ({"tools": [llm_pb2.ToolSpec()]}, r"tools\[0\].name"),
        ({"system": "x" * (1 << 20)}, "request: larger than"),
    ],
)
async def test_a_wrong_request_names_the_field(sim: OpenAISim, fields: dict[str, Any], message: str) -> None:
    async with service(settings(sim.base_url)) as peers:
        with pytest.raises(BadInput, match=message):
            await chat(peers, **fields)


async def test_a_refused_key_says_so(sim: OpenAISim) -> None:
    sim.faults.add(Fault("refuse", status=401))
    async with service(settings(sim.base_url)) as peers:
        with pytest.raises(Misconfigured, match="OPENAI_API_KEY"):
            await chat(peers)


async def test_what_is_not_here_is_refused_clearly(sim: OpenAISim) -> None:
    async with service(settings(sim.base_url)) as peers:
        with pytest.raises(NotBuilt, match="no sentence embeddings"):
            await call(peers, Stub, "Understand", llm_pb2.UnderstandRequest(text="hi"), timeout_s=1)
        live = await peers.open(Stub, "Live")
        with pytest.raises(NotBuilt, match="speech to speech"):
            await live.read()


async def test_when_to_try_again_is_not_for_the_chain_to_say(sim: OpenAISim) -> None:
    """The orchestrator knows how long the caller waits; both of them together asked 16 times in a turn."""
    sim.faults.add(Fault("close"))
    chain = Chain.from_settings(settings(sim.base_url))
    with pytest.raises(VendorLost):
        await heard(chain, asks("hello"))
    assert len(sim.records) == 1
    await chain.aclose()


async def test_engines_share_the_requests_of_a_round(sim: OpenAISim) -> None:
    sim.faults.add(Fault("refuse", status=503))
    models = {name: OpenAI(settings(sim.base_url)) for name in ("a", "b", "c")}
    chain = Chain(models)
    request = asks("hello", requests=Requests(2))
    with pytest.raises(VendorLost):
        await heard(chain, request)
    assert request.requests.sent == 2
    await chain.aclose()


async def test_a_failure_of_the_engines_is_told_with_what_it_cost_and_then_raised(sim: OpenAISim) -> None:
    sim.faults.add(Fault("refuse", status=503))
    async with service(settings(sim.base_url)) as peers:
        stream = await peers.open(Stub, "Chat", request=llm_pb2.ChatRequest(messages=[User], requests_left=5))
        event = await stream.read()
        assert (event.failed.code, event.failed.requests) == ("UNAVAILABLE", 1)
        with pytest.raises(Unavailable, match="failed"):
            await stream.read()


async def test_a_mistake_of_the_model_goes_with_its_call_and_opens_no_breaker(sim: OpenAISim) -> None:
    sim.script = lambda messages, tools: Reply("", (Call("check_order_status", '{"order": 12'),))
    tool = llm_pb2.ToolSpec(name="check_order_status", parameters_json='{"type":"object"}')
    async with service(settings(sim.base_url)) as peers:
        for _ in range(5):
            events = await chat(peers, tools=[tool])
            (call,) = [event.tool_call for event in events if event.WhichOneof("event") == "tool_call"]
            assert (call.name, call.arguments_json) == ("check_order_status", "{}")
            assert '{"order": 12' in call.mistake
            assert events[-1].finish.requests == 1
    assert BREAKER.labels("llm", "openai")._value.get() == 0


@pytest.mark.parametrize("error", [VendorLost("gone"), AtCapacity("429"), Misconfigured("key"), TooLate("silent")])
async def test_the_next_engine_answers_only_before_the_first_word(error: Exception) -> None:
    class Fails:
        def __init__(self, first: str) -> None:
            self.first = first

        async def chat(self, request: ChatRequest) -> Any:
            if self.first:
                yield TextDelta(self.first)
            raise error

        async def aclose(self) -> None: ...

    class Works(Fails):
        async def chat(self, request: ChatRequest) -> Any:
            yield TextDelta("Hello")
            yield Finish(FinishReason.STOP)

    assert (await heard(Chain({"a": Fails(""), "b": Works("")}), asks("hi"))).text == "Hello"
    with pytest.raises(type(error)):
        await heard(Chain({"a": Fails("He"), "b": Works("")}), asks("hi"))
    with pytest.raises(type(error)):
        await heard(Chain({"a": Fails("")}), asks("hi"))


class Spare:
    """A second engine that always answers."""

    async def chat(self, request: ChatRequest) -> Any:
        yield TextDelta("From the spare.")
        yield Finish(FinishReason.STOP)

    async def aclose(self) -> None: ...


async def test_a_model_that_gives_no_word_in_time_is_left_for_the_next(sim: OpenAISim) -> None:
    sim.faults.add(Fault("stall"))
    model = OpenAI(settings(sim.base_url, PARLEY_LLM_FIRST_TOKEN_S=0.2))
    chain = Chain({"openai": model, "spare": Spare()})
    for asked in (1, 2, 3):
        assert (await heard(chain, asks("hello"))).text == "From the spare."
        assert len(sim.records) == asked
    assert chain.breakers.of("openai").is_open
    assert (await heard(chain, asks("hello"))).text == "From the spare."
    assert len(sim.records) == 3
    await chain.aclose()


async def test_a_model_that_stalls_in_mid_answer_ends_the_round_and_counts(sim: OpenAISim) -> None:
    sim.faults.add(Fault("stall", after_items=3))
    model = OpenAI(settings(sim.base_url, PARLEY_LLM_STALL_S=0.2))
    chain = Chain({"openai": model, "spare": Spare()})
    for _ in range(3):
        with pytest.raises(TooLate):
            await heard(chain, asks("hello"))
    assert (await heard(chain, asks("hello"))).text == "From the spare."
    await chain.aclose()


async def test_a_lone_model_that_was_away_answers_as_soon_as_it_is_back(sim: OpenAISim) -> None:
    """Its breaker is open, and lets every try through."""
    sim.faults.add(Fault("refuse", status=503))
    chain = Chain.from_settings(settings(sim.base_url))
    for _ in range(5):
        with pytest.raises(VendorLost):
            await heard(chain, asks("hello"))
    assert chain.breakers.of("openai").is_open
    sim.faults.clear()
    assert (await heard(chain, asks("hello"))).text.startswith("You said")
    assert not chain.breakers.of("openai").is_open
    await chain.aclose()


async def test_a_round_that_its_caller_closes_says_nothing_about_the_model() -> None:
    class Fails(Spare):
        async def chat(self, request: ChatRequest) -> Any:
            yield TextDelta("Yes")
            raise VendorLost("gone")

    chain = Chain({"a": Fails(), "b": Spare()})
    for _ in range(5):
        stream = chain.chat(asks("hello"))
        await anext(stream)
        await stream.aclose()
    assert not chain.breakers.of("a").is_open


async def test_an_unknown_engine_lists_the_known() -> None:
    with pytest.raises(Misconfigured, match="PARLEY_LLM: there is no engine 'gpt'; known are local, openai"):
        Chain.from_settings(settings(PARLEY_LLM="gpt"))
