"""The figures as Markdown tables, between two marks of docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bench.latency import percentile
from bench.run import Result

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def _three(values: Sequence[float]) -> str:
    return " / ".join(f"{percentile(values, q):.1f}" for q in (0.5, 0.95, 0.99))


def _two(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return " / ".join(f"{percentile(values, q):.0f}" for q in (0.5, 0.95))


def table(results: Sequence[Result]) -> str:
    """Latency, cost and faults per server and number of calls; CPU per service below."""
    rows = [
        "| server | calls | turns (lost) | overhead p50 / p95 / p99 ms | above bare p50 / p95 ms"
        " | speech to `clear` p50 / p95 ms | vendor's word to `clear` p50 / p95 ms | missed | gaps"
        " | CPU ms per call-s | core | stolen | MB per call |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    floor = {r.calls: r for r in results if r.server == "bare"}
    for r in results:
        base = floor.get(r.calls)
        above = (
            ""
            if base is None or base is r
            else " / ".join(f"{percentile(r.overhead, q) - percentile(base.overhead, q):.1f}" for q in (0.5, 0.95))
        )
        cells = (
            r.server,
            r.calls,
            f"{r.turns} ({r.lost})",
            _three(r.overhead),
            above,
            _two(r.onset_to_clear),
            _two(r.decision_to_clear),
            r.missed_interruptions,
            len(r.gaps),
            f"{r.cpu_sum:.2f}",
            f"{r.core:.0f} %",
            f"{r.stolen:.0f} %",
            f"{r.mb_per_call:.2f}",
        )
        rows.append(f"| {' | '.join(map(str, cells))} |")
    rows += ["", "CPU by service, ms per call-second; median of each stage, ms:", ""]
    services = sorted({s for r in results for s in r.cpu if r.server != "bare"})
    rows.append(f"| server | calls | {' | '.join(services)} | uplink | turn | sentence | downlink |")
    rows.append("|---|--:|" + "--:|" * (len(services) + 4))
    for r in results:
        spent = " | ".join(f"{r.cpu[s]:.2f}" if s in r.cpu else "" for s in services)
        stages = " | ".join(f"{r.stages.get(s, float('nan')):.1f}" for s in ("uplink", "turn", "sentence", "downlink"))
        rows.append(f"| {r.server} | {r.calls} | {spent} | {stages} |")
    return "\n".join(rows)


def write(results: Sequence[Result], place: str = "measured") -> None:
    """Put the tables, their date and the machine into the document, between the two marks of this place."""
    put(table(results), place)


def put(text: str, place: str) -> None:
    """Put a text, its date and the machine into the document, between the two marks of this place."""
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"Measured {time.strftime('%Y-%m-%d')} on {machine}."
    document = DOCUMENT.read_text("utf-8")
    block = f"{begin}\n{head}\n\n{text}\n{end}"
    DOCUMENT.write_text(re.sub(f"{begin}.*?{end}", lambda _: block, document, flags=re.S), "utf-8")
