"""A call is one trace: gateway, orchestrator, llm and tools on real gRPC, NATS between them, and a second leg.

And nothing that a caller said is in it.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from parley import telemetry
from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.rpc import Admission, Server
from parley.settings import Settings
from parley.v1 import call_pb2, events_pb2, llm_pb2, llm_pb2_grpc
from services.gateway.call import Call
from services.gateway.gateway import Gateway, opened
from services.gateway.leg.leg import Ending, Leg, LegKind
from services.llm.chat import Chain
from services.llm.servicer import LanguageModel
from services.orchestrator.wiring import wired
from services.tools.wiring import wire
from testbed.monitoring.metrics import ROOT
from testbed.organs import serving
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server
from testbed.vendors.openai.script import Call as ToolCall
from testbed.vendors.openai.script import Messages, Reply, Tools
from testbed.vendors.openai.sim import OpenAISim

AGENT = """
company: Bellweather Bikes
greeting: Bellweather Bikes, how can I help?
prompt: You answer the phone.
voice: {elevenlabs: amy}
knowledge: {retrieve: never}
"""
TOOLS = '''from parley.tooling import tool

@tool(effects=True)
async def book_visit(name: str) -> str:
    """Books a visit."""
    return f"booked for {name}"
'''
PERSONAL = ("Annabel", "5550100", "4111")
ATTRIBUTES = frozenset(
    {"call_id", "leg", "channel", "turn", "round", "tries", "speculative", "tool", "intent", "engine", "agent", "end"}
)
"""Those of spans. Anything else is to have a `pii` segment in its name, or to be added here by somebody who thought."""


def answer(messages: Messages, tools: Tools) -> Reply:
    if messages[-1]["role"] == "user" and "book" in str(messages[-1]["content"]):
        return Reply(calls=(ToolCall("book_visit", {"name": "Annabel 4111"}),))
    return Reply("That is done, Annabel.")


class Page:
    """A page that is written to."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send_audio(self, data: bytes) -> None: ...
    def clear(self) -> None: ...
    def mark(self, name: str) -> None: ...
    def tell_here(self, message: dict[str, Any]) -> None: ...
    def close(self, code: int, reason: str) -> None: ...

    def tell(self, message: dict[str, Any]) -> None:
        self.told.put_nowait(message)

    async def said(self) -> str:
        """The next whole utterance."""
        text = ""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.told.get()
                if message["type"] == "say":
                    text += str(message["text"])
                    if message["final"]:
                        return text


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("parley"))
    monkeypatch.setattr(telemetry, "_traced", True)
    yield exporter
    provider.shutdown()


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Natsd]]:
    """Real services in this process; the model's vendor is a stand-in."""
    bikes = tmp_path / "agents" / "bikes"
    bikes.mkdir(parents=True)
    (bikes / "agent.yaml").write_text(AGENT)
    (bikes / "tools.py").write_text(TOOLS)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(nats_server(tmp_path))
        model = await stack.enter_async_context(OpenAISim(script=answer))
        known: dict[str, Any] = {
            "nats_url": server.url,
            "agents_dir": tmp_path / "agents",
            "agent": "bikes",
            "data_dir": tmp_path / "data",
            "llm": "openai",
            "OPENAI_API_KEY": "stand-in-key",
            "OPENAI_BASE_URL": model.base_url,
        }
        settings = Settings.read(**known)

        bus, cancels = Bus(settings, "llm"), Cancels()
        cancels.listen(bus)
        await stack.enter_async_context(bus)
        chain = Chain.from_settings(settings)
        stack.push_async_callback(chain.aclose)
        llm = Server("llm", "127.0.0.1:0", Admission(10))
        service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
        llm.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, LanguageModel(chain, llm.admission, cancels))
        await llm.start()
        stack.push_async_callback(llm.drain, 0)

        tools = Server("tools", "127.0.0.1:0", Admission(10))
        stack.push_async_callback(await wire(tools, settings))
        await tools.start()
        stack.push_async_callback(tools.drain, 0)

        known |= {"llm_address": f"127.0.0.1:{llm.port}", "tools_address": f"127.0.0.1:{tools.port}"}
        calls, close = await wired(Settings.read(**known))
        stack.push_async_callback(close)
        orchestrator = await serving(calls)
        stack.push_async_callback(orchestrator.drain, 0)

        known["orchestrator_address"] = f"127.0.0.1:{orchestrator.port}"
        gateway = await stack.enter_async_context(opened(Settings.read(**known)))
        assert await gateway.organs.orchestrator.ready(PATIENCE_S)
        yield gateway, server


async def test_a_call_is_one_trace_across_services_nats_and_legs_and_says_nothing_personal(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    page = Page()

    async def asks(leg: Leg) -> Ending:
        await page.said()
        leg.typed("please book me a visit, I am Annabel, my card is 4111")
        assert "done" in await page.said()
        return LegKind.KIND_LOST, "socket closed (1006)"

    async def comes_back(leg: Leg) -> Ending:
        leg.typed("thank you")
        assert "done" in await page.said()
        return LegKind.KIND_ENDED, "hung up on the page"

    async with house(tmp_path) as (gateway, server):
        listener = await nats.connect(server.url)
        heard = await listener.subscribe("call.CA1.*")
        await listener.flush()
        for number, listen in enumerate((asks, comes_back), 1):
            call = Call("CA1", number, "chat", "bikes", None, caller="+15550100")
            await gateway.serve(call, page, listen, fresh=False)  # a new call would want ears and a voice, too
        async with asyncio.timeout(PATIENCE_S):
            subjects: dict[str, set[str]] = {}
            while not {"event", "cancel"} <= set(subjects):
                message = await heard.next_msg(timeout=PATIENCE_S)
                traceparent = (message.headers or {}).get("traceparent", "")
                subjects.setdefault(message.subject.rpartition(".")[2], set()).add(traceparent.split("-")[1])
        await listener.close()

    found = spans.get_finished_spans()
    wanted = telemetry.trace_of("CA1").split("-")[1]
    assert {trace.format_trace_id(span.context.trace_id) for span in found if span.context} == {wanted}
    assert subjects["event"] == subjects["cancel"] == {wanted}
    by_id = {span.context.span_id: span for span in found if span.context}
    assert [span.name for span in found].count("leg") == 2
    assert {"turn", "round", "llm.chat", "tool", "nats.state", "nats.record"} <= {span.name for span in found}
    assert above(named(found, "llm.chat"), by_id) == {"round"}
    assert above(named(found, "turn"), by_id) == {"leg"}
    assert "tool" in above(named(found, "tool"), by_id), "the service's own, under the orchestrator's"

    told = [str((span.name, dict(span.attributes or {}), span.status.description, span.events)) for span in found]
    assert not [each for each in told if any(word in each for word in PERSONAL)]
    assert {key for span in found for key in span.attributes or {}} <= ATTRIBUTES


def named(found: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in found if span.name == name]


def above(found: list[ReadableSpan], by_id: dict[int, ReadableSpan]) -> set[str]:
    """The names of the spans that these hang under."""
    assert found
    return {by_id[span.parent.span_id].name for span in found if span.parent and span.parent.span_id in by_id}


async def test_a_cancel_that_finds_a_stream_is_part_of_the_calls_trace(spans: InMemorySpanExporter) -> None:
    cancels = Cancels()
    turn = call_pb2.TurnRef(epoch=call_pb2.Epoch(leg=1, open=1), turn=3)
    for call_id in ("CA1", "CA2"):
        data = events_pb2.CancelTurn(call_id=call_id, turn=turn).SerializeToString()
        with cancels.stream("CA1", (1, 1, 4)):
            await cancels._receive(f"call.{call_id}.cancel", data, {"traceparent": telemetry.trace_of(call_id)})
    (span,) = spans.get_finished_spans()
    assert span.name == "cancel"
    assert span.context is not None
    assert trace.format_trace_id(span.context.trace_id) == telemetry.trace_of("CA1").split("-")[1]


def test_of_an_error_a_span_tells_the_kind_and_of_personal_attributes_the_length(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="4111"), telemetry.span("tool", caller_pii="+15550100", tool="pay"):
        raise ValueError("my card is 4111")
    (span,) = spans.get_finished_spans()
    assert span.status.description == "ValueError"
    assert not span.events
    assert dict(span.attributes or {}) == {"caller_pii": "<9 characters>", "tool": "pay"}


def test_attributes_of_spans_are_known() -> None:
    """Also of those that no test makes."""
    strange = []
    for path in [*(ROOT / "parley").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                strange += [f"{path.name}: {name}" for name in attributes(node) if not known(name)]
    assert not strange


def attributes(call: ast.Call) -> list[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("span", "begun", "measured"):
        return [each.arg for each in call.keywords if each.arg is not None]
    if name == "set_attribute" and isinstance(call.args[0], ast.Constant):
        return [str(call.args[0].value)]
    return []


def known(name: str) -> bool:
    return name in ATTRIBUTES | {"traceparent"} or "pii" in name.split("_")
