"""One trace goes through a call: from the gateway's leg to the model's round, the tool, and the cancel on NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from parley import telemetry
from parley.v1 import llm_pb2
from testbed.organs import house
from testbed.patience import PATIENCE_S


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("parley"))
    yield exporter
    provider.shutdown()


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


async def test_a_turn_is_one_trace_over_grpc_and_nats(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    never = asyncio.Event()
    async with house(tmp_path) as h:
        client = await nats.connect(h.nats.url)
        cancels = await client.subscribe("call.*.cancel")
        await client.flush()
        h.model.reply = lambda request: (
            ["Well, it is booked. ", never]
            if request.messages[-1].role == llm_pb2.Message.ROLE_TOOL
            else [llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}")]
        )
        with telemetry.span("leg") as leg:
            traceparent = telemetry.traceparent()
        g = await h.gateway()
        epoch = {"leg": 1, "open": 1}
        await g.tell(open={"call_id": "CA1", "epoch": epoch, "agent": "bikes"}, traceparent=traceparent)
        await g.hears((await g.said())[0])
        await g.types("book a visit")
        say = await g.until("say")
        await g.tell(utterance_started={"utterance": say.utterance})
        await g.tell(speech={"interim": {"text": "stop please"}})
        message = await cancels.next_msg(timeout=PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            while len(named(spans, "round")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        wanted = trace.format_trace_id(leg.get_span_context().trace_id)
        assert (message.headers or {})["traceparent"].split("-")[1] == wanted
        told = [*named(spans, "round"), *named(spans, "tool")]
        assert {trace.format_trace_id(s.context.trace_id) for s in told if s.context} == {wanted}
        assert h.model.requests[0].traceparent.split("-")[1] == wanted
        assert h.actions.executed[0].traceparent.split("-")[1] == wanted
        await client.close()
