"""Logs, traces and metrics of every service.

Logs: static text, values as attributes; an attribute whose name has a `pii` segment (`pii_text`, `caller_pii`) holds
personal data and leaves the process only as its length; in all others what looks personal is masked (`parley.pii`), in
tracebacks too. The same holds for the attributes of spans.
Spans: one per leg and one per turn with its stages, never per audio frame; they cross gRPC in a message's `traceparent`
and NATS in a header. All spans of a call have one trace, whose id follows from the call's (`trace_of`), so that also a
leg at another gateway belongs to it. Metrics: Prometheus, names `voice_*`; docs/metrics.md is made from the code.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

from parley.errors import Misconfigured
from parley.pii.leaving import leaving
from parley.process.monitor import Monitor
from parley.settings import Settings

_MS = (1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000)

TURN_LATENCY = Histogram(
    "voice_turn_latency_ms", "End of the caller's speech to first audio of the answer", buckets=_MS
)
STT_LATENCY = Histogram("voice_stt_latency_ms", "End of speech in the audio to the final", ["engine"], buckets=_MS)
LLM_TTFT = Histogram("voice_llm_ttft_ms", "Request to first token", ["engine"], buckets=_MS)
TTS_TTFB = Histogram("voice_tts_ttfb_ms", "First text to first audio", ["engine"], buckets=_MS)
NLU_LATENCY = Histogram("voice_nlu_latency_ms", "Understanding of one sentence", ["tier"], buckets=_MS)
CALLS_TOTAL = Counter("voice_calls_total", "Legs of calls that are over: ended, lost", ["channel", "outcome"])
CALLS_BEGUN = Counter("voice_calls_begun_total", "New calls let in; those that come back are not new", ["channel"])
CALLS_ACTIVE = Gauge("voice_calls_active", "Calls open now")
BARGE_IN_TOTAL = Counter("voice_barge_in_total", "Times the caller broke in", ["outcome"])
STREAMS_ACTIVE = Gauge("voice_streams_active", "Streams (calls, utterances, rounds) this process serves now")
CAPACITY = Gauge("voice_capacity", "Units that this process takes: calls, or streams of an organ (PARLEY_CAPACITY)")
LOAD = Gauge("voice_load", "Units in use")
READY = Gauge("voice_ready", "1 while this process takes new work; 0 before, and when it drains")
BUILD_INFO = Gauge("voice_build_info", "1; its labels tell what runs here (PARLEY_BUILD)", ["version", "build"])
TASKS = Gauge("voice_tasks", "Asyncio tasks of this process, counted when asked")
TOOL_CALLS_TOTAL = Counter("voice_tool_calls_total", "Tool calls", ["tool", "status"])
PII_MASKED = Counter("voice_pii_masked_total", "Personal data masked in logs and spans", ["kind"])
COST_PER_CALL = Histogram(
    "voice_cost_per_call_usd",
    "Vendors' cost of a call",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("parley")
_traced = False


def trace_of(call_id: str) -> str:
    """The W3C trace context of a call, the same in every process and for every leg; empty when nothing is traced."""
    if not _traced:
        return ""
    digest = sha256(call_id.encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"


@contextmanager
def span(name: str, traceparent: str = "", **attributes: Any) -> Iterator[trace.Span]:
    """A span under `traceparent` (W3C), or under the current one when that is empty.

    Of an error it tells the kind: messages may hold what a caller said.
    """
    with _tracer.start_as_current_span(
        name,
        context=_under(traceparent),
        attributes=_safe(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as e:
            current.set_status(trace.StatusCode.ERROR, type(e).__name__)
            raise


def span_of_call(name: str, call_id: str) -> AbstractContextManager[object]:
    """A span right under a call, for what belongs to none of its turns; nothing at all when nothing is traced."""
    return span(name, trace_of(call_id), call_id=call_id) if _traced else nullcontext()


def begun(name: str, **attributes: Any) -> trace.Span:
    """A span under the current one that whoever began it ends."""
    return _tracer.start_span(name, attributes=_safe(attributes))


def measured(name: str, traceparent: str, seconds: float, **attributes: Any) -> None:
    """A span under `traceparent` that ends now and lasted so long: for what begins and ends in different contexts."""
    end = time.time_ns()
    start = end - int(seconds * 1e9)
    _tracer.start_span(name, context=_under(traceparent), attributes=_safe(attributes), start_time=start).end(end)


def _under(traceparent: str) -> Context | None:
    return _propagator.extract({"traceparent": traceparent}) if traceparent else None


def _safe(attributes: dict[str, Any]) -> MutableMapping[str, Any]:
    return redact(None, "", attributes)


def traceparent() -> str:
    """The current span's W3C trace context; empty when nothing is traced."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: personal values become their length, what looks personal in others its kind."""
    return leaving(event, _count_masked)


def _count_masked(kind: str) -> None:
    PII_MASKED.labels(kind).inc()


_LEVELS = {"debug": 10, "info": 20, "warning": 30, "warn": 30, "error": 40, "exception": 40}


class Leveled(structlog.make_filtering_bound_logger(logging.DEBUG)):  # type: ignore[misc]
    """A logger that says nothing below `least`, which may change while loggers are in use."""

    least: ClassVar[int] = logging.INFO

    def _proxy_to_logger(self, method_name: str, event: str | None = None, *event_args: str, **event_kw: Any) -> Any:
        if _LEVELS.get(method_name, logging.CRITICAL) < Leveled.least:
            return None
        return super()._proxy_to_logger(method_name, event, *event_args, **event_kw)


def set_level(level: str) -> None:
    """From now on this is logged; of libraries, warnings and worse."""
    Leveled.least = getattr(logging, level.upper())
    logging.getLogger().setLevel(max(Leveled.least, logging.WARNING))


async def take(settings: Settings) -> None:
    """What settings say of the logs while the process runs."""
    set_level(settings.log_level)


def configure_logs(service: str, level: str, style: str) -> None:
    """Logs of this process, ours and libraries', to stdout as one JSON object a line (or text for people)."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Tracebacks as text first: a renderer for people would print local variables, and with them what callers said.
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=Leveled,
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Said of a span around a stream that was closed from elsewhere; the span ends all the same.
    logging.getLogger("opentelemetry.context").setLevel(logging.CRITICAL)
    # The client of NATS has asyncio say this of every TLS connection that ends.
    logging.getLogger("asyncio").addFilter(lambda record: "eof_received" not in str(record.msg))
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)


@asynccontextmanager
async def started(service: str, settings: Settings) -> AsyncIterator[Monitor]:
    """Logs, traces and the monitor of this process, for as long as the body runs; it says when it is ready."""
    configure_logs(service, settings.log_level, settings.log_format)
    provider = _tracing(service, settings.otlp_endpoint)
    loop = asyncio.get_running_loop()
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    monitor = Monitor()
    READY.set_function(lambda: monitor.state == "ready")
    BUILD_INFO.labels(_version(), settings.build).set(1)
    if settings.metrics_port >= 0:
        monitor.listen(settings.metrics_host, settings.metrics_port)
        structlog.get_logger().info("monitor", port=monitor.port)
    try:
        yield monitor
    finally:
        monitor.close()
        if provider is not None:
            provider.shutdown()


def _version() -> str:
    try:
        return version("parley")
    except PackageNotFoundError:  # run from its sources
        return ""


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
    global _traced
    _traced = True
    return provider
