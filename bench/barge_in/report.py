"""The figures as Markdown tables, between two marks of docs/turn-taking.md."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bench.barge_in.run import Run
from bench.barge_in.tally import Tally, wilson
from bench.latency import percentile

DOCUMENT = Path(__file__).parents[2] / "docs" / "turn-taking.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def tables(runs: Sequence[Run]) -> str:
    return "\n\n".join(_of(run) for run in runs)


def _of(run: Run) -> str:
    real = [tally for tally in run.tallies.values() if tally.kind.real and tally.trials]
    false = [tally for tally in run.tallies.values() if tally.kind.sounds and not tally.kind.real and tally.trials]
    alone = [tally for tally in run.tallies.values() if not tally.kind.sounds and tally.trials]
    parts = [f"### {run.calls} {'calls' if run.calls > 1 else 'call'} at once"]
    if real:
        parts.append(_table(_INTERRUPTED, [_interruption(tally) for tally in real]))
    if false:
        parts.append(_table(_FALSE, [_false(tally) for tally in false]))
    if alone:
        parts.append(_table(_ALONE, [_alone(tally) for tally in alone]))
    parts.append(_truth(list(run.tallies.values())))
    cpu = ", ".join(f"{name} {ms:.2f}" for name, ms in sorted(run.cpu.items()))
    parts.append(f"CPU, ms per call-second: {sum(run.cpu.values()):.2f} ({cpu}).")
    parts.append(
        f"The callers' own clock was late by {_three(run.late)} ms (p50 / p95 / p99); the host took {run.stolen:.0f} % "
        f"of the machine; {run.seconds:.0f} s."
    )
    if unplayed := [why for tally in run.tallies.values() for why in tally.unplayed]:
        parts.append(f"Calls that could not be played to their end: {len(unplayed)}, as {unplayed[0]!r}.")
    return "\n\n".join(parts)


_INTERRUPTED = (
    "| sound | trials | voice to `clear` p50 / p95 / p99 ms | voice to silence p50 / p95 ms | missed (95 %) |"
)
_FALSE = (
    "| sound | trials | bot's turn lost (95 %) | pauses | hole p50 / p95 ms | lines with a word lost"
    " | lines with two words repeated |"
)
_ALONE = "| noise | lines | bot spoke | pauses per minute | hole p50 / p95 ms | bot's turn lost (95 %) |"


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([head, "|---" + "|--:" * (head.count("|") - 2) + "|", *rows])


def _interruption(tally: Tally) -> str:
    return (
        f"| {tally.kind.name} | {tally.trials} | {_three(tally.clears)} | {_two(tally.silences)} "
        f"| {_rate(tally.missed, tally.trials)} |"
    )


def _false(tally: Tally) -> str:
    return (
        f"| {tally.kind.name} | {tally.trials} | {_rate(tally.stopped, tally.trials)} | {tally.pauses} "
        f"| {_two(tally.holes)} | {tally.lost} | {tally.repeated} |"
    )


def _alone(tally: Tally) -> str:
    minutes = tally.played_s / 60
    return (
        f"| {tally.kind.name} | {tally.trials} | {minutes:.1f} min | {tally.pauses / max(minutes, 1e-6):.1f} "
        f"| {_two(tally.holes)} | {_rate(tally.stopped, tally.trials)} |"
    )


def _truth(tallies: Sequence[Tally]) -> str:
    off = [words for tally in tallies for words in tally.off]
    within = sum(1 for words in off if words <= 1)
    worst = max(tallies, key=lambda tally: max(tally.off, default=0)).worst
    return (
        f"Heard truth: of {len(off)} lines told to the model, {_rate(within, len(off))} are within one word of what "
        f"was heard; the worst is off by {max(off, default=0)}{f' ({worst})' if worst else ''}. Words that came with a "
        "hole in their sound are left out."
    )


def _rate(hits: int, trials: int) -> str:
    low, high = wilson(hits, trials)
    return f"{hits * 100 / max(1, trials):.1f} % ({low * 100:.1f}-{high * 100:.1f})"


def _three(values: Sequence[float]) -> str:
    return " / ".join(f"{percentile(values, q):.0f}" for q in (0.5, 0.95, 0.99))


def _two(values: Sequence[float]) -> str:
    return " / ".join(f"{percentile(values, q):.0f}" for q in (0.5, 0.95)) if values else "none"


def write(runs: Sequence[Run]) -> None:
    """Put the tables, their date and the machine into the document."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"Measured {time.strftime('%Y-%m-%d')} on {machine}, services, callers and stand-ins together."
    text = DOCUMENT.read_text("utf-8")
    block = f"{BEGIN}\n{head}\n\n{tables(runs)}\n{END}"
    DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.S), "utf-8")
