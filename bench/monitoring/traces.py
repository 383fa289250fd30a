"""Where services send their traces in a bench, and a picture of one turn of one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from bench.monitoring.svg import document

_ROW, _LEFT, _WIDTH = 22, 250, 760
_COLOURS = {
    "gateway": "#3366cc",
    "orchestrator": "#dc7900",
    "llm": "#109618",
    "tools": "#990099",
    "stt": "#0099c6",
    "tts": "#b82e2e",
    "rag": "#66aa00",
}
BEFORE_S, AFTER_S = 0.15, 0.6
"""Of the turn's own time, that is shown too."""


@dataclass(frozen=True)
class Span:
    """Times in unix seconds; ids as bytes."""

    service: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes
    begin: float
    end: float
    attributes: dict[str, str]


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes what OpenTelemetry's exporters send."""

    spans: list[Span] = field(default_factory=list)
    port: int = 0

    async def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            told = {each.key: each.value.string_value for each in resource.resource.attributes}
            service = told.get("service.name", "").removeprefix("parley-")
            for scope in resource.scope_spans:
                self.spans += [_span(service, each) for each in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


def _span(service: str, told: Any) -> Span:
    attributes = {each.key: each.value.string_value or str(each.value.int_value) for each in told.attributes}
    times = told.start_time_unix_nano / 1e9, told.end_time_unix_nano / 1e9
    return Span(service, told.name, told.trace_id, told.span_id, told.parent_span_id, *times, attributes)


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Listens on a free port of this machine."""
    collector = Collector()
    server = grpc.aio.server()
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    collector.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(1.0)


def richest_turn(spans: list[Span]) -> tuple[Span | None, list[Span]]:
    """A turn of some call in which most services had a part, and all of the call that went on meanwhile."""
    by_trace: dict[bytes, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace, []).append(span)
    best: tuple[Span | None, list[Span]] = None, []
    for turn in (span for span in spans if span.name == "turn"):
        begin, end = turn.begin - BEFORE_S, turn.end + AFTER_S
        near = [each for each in by_trace[turn.trace] if each.end > begin and each.begin < end]
        if _rank(near) > _rank(best[1]):
            best = turn, near
    return best


def _rank(near: list[Span]) -> tuple[int, int]:
    """Many services first, then few spans: those that can be read."""
    return len({each.service for each in near}), -len(near)


def picture(turn: Span, spans: list[Span], title: str) -> str:
    """A waterfall: who did what when around a turn, indented by who asked for it."""
    begin, end = turn.begin - BEFORE_S, turn.end + AFTER_S
    depth = _depths(spans)
    rows = sorted(spans, key=lambda span: (max(span.begin, begin), depth[span.id]))
    out = [f'<text x="12" y="24" font-size="16" font-weight="bold" fill="#222222">{title}</text>']
    for part in range(6):
        x = _LEFT + _WIDTH * part / 5
        told = f"{((end - begin) * part / 5 - BEFORE_S) * 1000:+.0f} ms"
        out.append(f'<line x1="{x:g}" y1="44" x2="{x:g}" y2="{56 + _ROW * len(rows)}" stroke="#e4e4e4"/>')
        out.append(f'<text x="{x:g}" y="40" font-size="10" fill="#555555" text-anchor="middle">{told}</text>')
    for number, span in enumerate(rows):
        y = 52 + _ROW * number
        left = _LEFT + _WIDTH * (max(span.begin, begin) - begin) / (end - begin)
        right = _LEFT + _WIDTH * (min(span.end, end) - begin) / (end - begin)
        ms = (span.end - span.begin) * 1000
        long = f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"
        colour = _COLOURS.get(span.service, "#777777")
        out.append(
            f'<text x="{12 + 12 * depth[span.id]}" y="{y + 13}" fill="{colour}">{span.service} · {span.name}</text>'
        )
        width = max(right - left, 1.5)
        out.append(f'<rect x="{left:.1f}" y="{y + 3}" width="{width:.1f}" height="13" rx="2" fill="{colour}"/>')
        beside = right + 5 < _LEFT + _WIDTH - 55
        x, anchor, fill = (right + 5, "start", "#555555") if beside else (right - 5, "end", "#ffffff")
        out.append(f'<text x="{x:.1f}" y="{y + 13}" font-size="10" fill="{fill}" text-anchor="{anchor}">{long}</text>')
    return document(_LEFT + _WIDTH + 30, 66 + _ROW * len(rows), "".join(out))


def _depths(spans: list[Span]) -> dict[bytes, int]:
    parents = {span.id: span.parent for span in spans}
    found: dict[bytes, int] = {}
    for span in spans:
        depth, at = 0, span.parent
        while at in parents:
            depth, at = depth + 1, parents[at]
        found[span.id] = depth
    return found
