"""The figures of all waves as a page of Markdown and as JSON, in docs/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from bench.chaos import bounds, figures
from bench.chaos.figures import Cell
from bench.chaos.store import Store
from bench.latency import percentile
from testbed.chaos.cells import ROWS, Row

DOCUMENT = Path(__file__).parents[2] / "docs" / "chaos.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_HEAD = (
    "| hit | moment | calls | calls lost | turns lost | bot's words lost / twice"
    " | caller's words lost / twice (unheard) | history differs | effects missing / doubled"
    " | extra silence p50 / p95 s | beyond the vendor's own p50 / p95 s | bound s |"
)
_COLUMNS = _HEAD.count("|") - 1


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Moments that cannot be are told together, with the reason."""
    yield _HEAD
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for (target, kind, why), group in groupby(cells, key=lambda cell: (cell.target, cell.kind, cell.never)):
        if why:
            moments = ", ".join(cell.moment for cell in group)
            yield f"| {kind} {target} | {moments} | n/a: {why} |{' |' * (_COLUMNS - 3)}"
        else:
            yield from (_line(cell) for cell in group)


def _line(cell: Cell) -> str:
    bound = "" if cell.bound_s is None else f"{cell.bound_s:g}{' (beyond)' if cell.bound_beyond else ''}"
    values = (
        f"{cell.kind} {cell.target}",
        cell.moment,
        f"{cell.calls}{' (few)' if cell.few else ''}",
        cell.calls_lost,
        cell.turns_lost,
        f"{cell.bot_words_lost} / {cell.bot_words_twice}",
        f"{cell.caller_words_lost} / {cell.caller_words_twice} ({cell.caller_words_unheard})",
        cell.history_differs,
        f"{cell.effects_missing} / {cell.effects_doubled}",
        _silence(cell.extra_silence_p50_s, cell.extra_silence_p95_s),
        _silence(cell.beyond_vendor_p50_s, cell.beyond_vendor_p95_s),
        bound,
    )
    return f"| {' | '.join(map(str, values))} |"


def _silence(p50_s: float | None, p95_s: float | None) -> str:
    return "–" if p50_s is None or p95_s is None else f"{p50_s:g} / {p95_s:g}"


def circumstances(store: Store) -> str:
    """When, on what, and what was left out."""
    kept = [wave for row in ROWS for wave in store.every(row)]
    now = [wave for row in ROWS for wave in store.waves(row)]
    waves = [wave for wave in now if not wave.spoiled]
    if not waves:
        return "Nothing was measured yet."
    loads, older = [wave.load for wave in waves], len(kept) - len(now)
    minutes = sum(wave.took_s for wave in waves) / 60
    return (
        f"{len(waves)} waves of up to {max(w.calls for w in waves)} calls, {minutes:.0f} minutes in all, from "
        f"{min(w.at for w in waves)} to {max(w.at for w in waves)}; left out: {len(now) - len(waves)} in which the rig "
        f"itself stood still{f', {older} of older scenes' if older else ''}. Load of the machine: "
        f"{percentile(loads, 0.5):.1f} (median), {max(loads):.1f} (highest). The rig's own clock was up to "
        f"{percentile([w.late_ms for w in waves], 0.5):.0f} ms late in the median wave; callers and stand-ins took "
        f"{percentile([w.busy for w in waves], 0.5):.0%} of a core."
    )


def page(store: Store) -> str:
    """All that stands between the marks of the document."""
    rows = list(figures.rows(store))
    measured = [cells for _, cells in rows if any(cell.calls for cell in cells) or all(cell.never for cell in cells)]
    noise = bounds.noise(_baseline(rows))
    lines = [
        *bounds.summary(rows),
        "",
        circumstances(store),
        "",
        "### Row by row",
        *(bounds.verdict(row, cells, noise) for row, cells in rows),
        "",
        "### Cell by cell",
        *table([cell for cells in measured for cell in cells]),
    ]
    return "\n".join(lines)


def _baseline(rows: Sequence[tuple[Row, Sequence[Cell]]]) -> Sequence[Cell]:
    return rows[0][1]


def write(store: Store, document: Path = DOCUMENT) -> str:
    """Put the figures into the document, and beside it as JSON; what stands in the document now."""
    shown = page(store)
    cells = [asdict(cell) for _, of in figures.rows(store) for cell in of if cell.calls or cell.never]
    document.with_suffix(".json").write_text(json.dumps(cells, indent=1) + "\n", "utf-8")
    text = document.read_text("utf-8")
    document.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{shown}\n{END}", text, flags=re.S), "utf-8")
    return shown
