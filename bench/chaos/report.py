"""The figures of all waves as a Markdown table and as JSON, in docs/."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.chaos.cells import BASELINE, ROWS, WANTED, Row
from bench.chaos.store import Store
from bench.chaos.verdict import Verdict
from bench.latency import percentile

DOCUMENT = Path(__file__).parents[2] / "docs" / "chaos.md"
FIGURES = DOCUMENT.with_suffix(".json")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_HEAD = (
    "| hit | moment | calls | calls lost | turns lost | bot's words lost / twice"
    " | caller's words lost / twice (unheard) | history differs | effects missing / doubled"
    " | extra silence p50 / p95 s | bound s |"
)

Usual = dict[str, tuple[float, float]]


def usual(store: Store) -> Usual:
    """Moment -> delay and longest hole in seconds without a fault, medians."""
    found: Usual = {}
    for moment in BASELINE.moments:
        here = [v for v in store.verdicts(BASELINE) if v.aimed == moment and not v.turn_lost]
        delays = [v.delay_s for v in here if v.delay_s is not None]
        holes = [v.hole_s for v in here if v.hole_s is not None]
        if delays and holes:
            found[moment] = percentile(delays, 0.5), percentile(holes, 0.5)
    return found


def extra_s(verdict: Verdict, usual: Usual) -> float | None:
    """The longest silence beyond what there is without a fault."""
    if verdict.aimed not in usual or verdict.delay_s is None or verdict.hole_s is None:
        return None
    delay, hole = usual[verdict.aimed]
    return max(0.0, verdict.delay_s - delay, verdict.hole_s - hole)


def figures(row: Row, moment: str, verdicts: Sequence[Verdict], usual: Usual) -> dict[str, Any]:
    """One cell."""
    here = [v for v in verdicts if v.moment == moment]
    silences = [s for v in here if not v.call_lost and not v.turn_lost and (s := extra_s(v, usual)) is not None]
    return {
        "kind": row.kind,
        "target": row.target,
        "moment": moment,
        "calls": len(here),
        "calls_lost": sum(bool(v.call_lost) for v in here),
        "turns_lost": sum(v.turn_lost for v in here),
        "bot_words_lost": sum(len(v.bot_words_lost) for v in here),
        "bot_words_twice": sum(len(v.bot_words_twice) for v in here),
        "bot_words_unreadable": sum(v.unreadable for v in here),
        "caller_words_lost": sum(len(v.caller_words_lost) for v in here),
        "caller_words_twice": sum(len(v.caller_words_twice) for v in here),
        "caller_words_unheard": sum(len(v.caller_words_unheard) for v in here),
        "history_differs": sum(bool(v.history_differs) for v in here),
        "effects_missing": sum(v.effects_missing for v in here),
        "effects_doubled": sum(v.effects_doubled for v in here),
        "extra_silence_p50_s": round(percentile(silences, 0.5), 2) if silences else None,
        "extra_silence_p95_s": round(percentile(silences, 0.95), 2) if silences else None,
        "bound_s": row.bound_s,
    }


def all_figures(store: Store) -> list[dict[str, Any]]:
    normal = usual(store)
    found = []
    for row in ROWS:
        verdicts = store.verdicts(row)
        found += [figures(row, moment, verdicts, normal) for moment in row.moments if verdicts]
    return found


def table(cells: Sequence[dict[str, Any]]) -> str:
    lines = [_HEAD, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for c in cells:
        few = "" if c["calls"] >= WANTED else " (few)"
        silence = (
            "–" if c["extra_silence_p50_s"] is None else f"{c['extra_silence_p50_s']} / {c['extra_silence_p95_s']}"
        )
        values = (
            f"{c['kind']} {c['target']}",
            c["moment"],
            f"{c['calls']}{few}",
            c["calls_lost"],
            c["turns_lost"],
            f"{c['bot_words_lost']} / {c['bot_words_twice']}",
            f"{c['caller_words_lost']} / {c['caller_words_twice']} ({c['caller_words_unheard']})",
            c["history_differs"],
            f"{c['effects_missing']} / {c['effects_doubled']}",
            silence,
            "" if c["bound_s"] is None else c["bound_s"],
        )
        lines.append(f"| {' | '.join(map(str, values))} |")
    return "\n".join(lines)


def circumstances(store: Store) -> str:
    every = [wave for row in ROWS for wave in store.waves(row)]
    waves = [wave for wave in every if not wave.spoiled]
    if not waves:
        return "Nothing was measured yet."
    loads = [wave.load for wave in waves]
    late = percentile([wave.late_ms for wave in waves], 0.5)
    left_out = len(every) - len(waves)
    return (
        f"{len(waves)} waves of up to {max(w.calls for w in waves)} calls, from {min(w.at for w in waves)} to "
        f"{max(w.at for w in waves)}; {left_out} more are left out, in which the rig itself stood still. Load of the "
        f"machine: {percentile(loads, 0.5):.1f} (median), {max(loads):.1f} (highest); the rig's own clock was "
        f"up to {late:.0f} ms late in the median wave."
    )


def write(store: Store) -> str:
    """Put the table into the document, the figures beside it; the table."""
    cells = all_figures(store)
    shown = table(cells)
    FIGURES.write_text(json.dumps(cells, indent=1) + "\n", "utf-8")
    block = f"{BEGIN}\n{circumstances(store)}\n\n{shown}\n{END}"
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.S), "utf-8")
    return shown
