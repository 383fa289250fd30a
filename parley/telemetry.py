"""Logs, traces and metrics of every service.

Logs: static text, values as attributes; an attribute whose name has a `pii` segment (`pii_text`, `caller_pii`) holds
personal data and leaves the process only as its length. Spans: one per call and one per turn with its stages, never per
audio frame; they cross gRPC in a message's `traceparent` and NATS in a header. Metrics: Prometheus, names `voice_*`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

from parley.errors import Misconfigured
from parley.monitor import Monitor
from parley.settings import Settings

_MS = (1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000)

TURN_LATENCY = Histogram(
    "voice_turn_latency_ms", "End of the caller's speech to first audio of the answer", buckets=_MS
)
STT_LATENCY = Histogram("voice_stt_latency_ms", "End of speech in the audio to the final", ["engine"], buckets=_MS)
LLM_TTFT = Histogram("voice_llm_ttft_ms", "Request to first token", ["engine"], buckets=_MS)
TTS_TTFB = Histogram("voice_tts_ttfb_ms", "First text to first audio", ["engine"], buckets=_MS)
NLU_LATENCY = Histogram("voice_nlu_latency_ms", "Understanding of one sentence", ["tier"], buckets=_MS)
CALLS_TOTAL = Counter("voice_calls_total", "Calls taken", ["channel", "outcome"])
CALLS_ACTIVE = Gauge("voice_calls_active", "Calls open now")
BARGE_IN_TOTAL = Counter("voice_barge_in_total", "Times the caller broke in", ["outcome"])
STREAMS_ACTIVE = Gauge("voice_streams_active", "Streams (calls, utterances, rounds) this process serves now")
TASKS = Gauge("voice_tasks", "Asyncio tasks of this process, counted when asked")
TOOL_CALLS_TOTAL = Counter("voice_tool_calls_total", "Tool calls", ["tool", "status"])
COST_PER_CALL = Histogram(
    "voice_cost_per_call_usd",
    "Vendors' cost of a call",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("parley")


@contextmanager
def span(name: str, traceparent: str = "", **attributes: Any) -> Iterator[trace.Span]:
    """A span under `traceparent` (W3C), or under the current one when that is empty."""
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=context, attributes=attributes) as current:
        yield current


def measured(name: str, traceparent: str, seconds: float, **attributes: Any) -> None:
    """A span under `traceparent` that ends now and lasted so long: for what begins and ends in different contexts."""
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    end = time.time_ns()
    begun = _tracer.start_span(name, context=context, attributes=attributes, start_time=end - int(seconds * 1e9))
    begun.end(end)


def traceparent() -> str:
    """The current span's W3C trace context; empty when nothing is traced."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: personal values become their length."""
    for key in event:
        if "pii" in key.split("_"):
            event[key] = f"<{len(str(event[key]))} characters>"
    return event


def configure_logs(service: str, level: str, style: str) -> None:
    """Logs of this process, ours and libraries', to stdout as one JSON object a line (or text for people)."""
    number = getattr(logging, level.upper())
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Said of a span around a stream that was closed from elsewhere; the span ends all the same.
    logging.getLogger("opentelemetry.context").setLevel(logging.CRITICAL)
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    # Tracebacks as text first: a renderer for people would print local variables, and with them what callers said.
    chain = [*shared, structlog.processors.format_exc_info]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=chain))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


@asynccontextmanager
async def started(service: str, settings: Settings) -> AsyncIterator[Monitor]:
    """Logs, traces and the monitor of this process, for as long as the body runs; it says when it is ready."""
    configure_logs(service, settings.log_level, settings.log_format)
    provider = _tracing(service, settings.otlp_endpoint)
    loop = asyncio.get_running_loop()
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    monitor = Monitor()
    if settings.metrics_port >= 0:
        monitor.listen(settings.metrics_host, settings.metrics_port)
        structlog.get_logger().info("monitor", port=monitor.port)
    try:
        yield monitor
    finally:
        monitor.close()
        if provider is not None:
            provider.shutdown()


def _tracing(service: str, endpoint: str) -> Any:
    if not endpoint:
        return None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError as e:
        raise Misconfigured(
            f"OTEL_EXPORTER_OTLP_ENDPOINT: the package {e.name!r} is missing; install parley[otlp]"
        ) from e
    provider = TracerProvider(resource=Resource.create({"service.name": f"parley-{service}"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://")))
    )
    trace.set_tracer_provider(provider)
    return provider
