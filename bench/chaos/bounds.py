"""What the figures mean: for each row whether its bounds were kept, and all rows in sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.chaos.figures import Cell
from testbed.chaos.cells import NO_FAULT, Row

_LEAST_NOISE_S = 0.05

Noise = Mapping[str, float]
"""Moment -> extra silence without a fault, 95th percentile: a bound of 0 cannot be measured more finely."""


def noise(baseline: Sequence[Cell]) -> dict[str, float]:
    return {cell.moment: max(_LEAST_NOISE_S, cell.extra_silence_p95_s or 0.0) for cell in baseline}


def missed(cell: Cell, noise: Noise) -> list[str]:
    """The bounds that a cell does not keep, in words."""
    words = cell.caller_words_lost - cell.caller_words_excused
    counts = {
        "calls lost": cell.calls_lost,
        "turns lost": cell.turns_lost,
        "of the bot's words lost": cell.bot_words_lost,
        "of the caller's words lost": words,
        "histories that differ": cell.history_differs,
        "effects doubled": cell.effects_doubled,
    }
    found = [f"{count} {what}" for what, count in counts.items() if count]
    silence = cell.bounded_s
    if cell.bound_s is not None and cell.calls and silence is None:
        found.append("extra silence not known, for want of the row none")
    elif cell.bound_s is not None and silence is not None:
        allowed = cell.bound_s or noise.get(cell.moment, _LEAST_NOISE_S)
        if silence > allowed:
            which = " beyond the vendor's own time" if cell.bound_beyond else ""
            found.append(f"{silence:g} s of extra silence{which} (bound {cell.bound_s:g})")
    return found


def verdict(row: Row, cells: Sequence[Cell], noise: Noise) -> str:
    """One row in one line of Markdown."""
    tried = [cell for cell in cells if not cell.never]
    if not tried:
        return f"- **{row.kind} {row.target}**: not applicable"
    if not any(cell.calls for cell in tried):
        return f"- **{row.kind} {row.target}**: not measured yet"
    if row.kind == NO_FAULT:
        return f"- **{row.kind} {row.target}**: {sum(cell.calls for cell in tried)} calls, the measure for all others"
    wrong = [f"{cell.moment}: {', '.join(bad)}" for cell in tried if (bad := missed(cell, noise))]
    few = [f"{cell.moment} {cell.calls}" for cell in tried if cell.few]
    parts = [f"**missed** ({'; '.join(wrong)})" if wrong else "within bounds"]
    if few:
        parts.append(f"few calls ({', '.join(few)})")
    if row.note:
        parts.append(row.note)
    return f"- **{row.kind} {row.target}**: {'; '.join(parts)}"


def summary(rows: Sequence[tuple[Row, Sequence[Cell]]]) -> Iterator[str]:
    """All that was tried with a fault, in sum; lines of Markdown."""
    cells = [cell for row, of in rows if row.kind != NO_FAULT for cell in of]
    tried = [cell for cell in cells if not cell.never]
    bound = noise(next((of for row, of in rows if row.kind == NO_FAULT), ()))
    kept = [row for row, of in rows if row.kind != NO_FAULT and _whole(of) and not any(missed(c, bound) for c in of)]
    measured = [row for row, of in rows if row.kind != NO_FAULT and any(cell.calls for cell in of)]
    words = sum(cell.caller_words_lost for cell in tried)
    excused = sum(cell.caller_words_excused for cell in tried)
    yield (
        f"**{sum(not cell.few for cell in tried)} of {len(tried)} cells filled** ({len(cells) - len(tried)} more are "
        f"not applicable), **{sum(cell.calls for cell in tried)} calls** hit. {len(kept)} of {len(measured)} rows that "
        "were measured are filled and within all bounds."
    )
    yield ""
    yield (
        f"Lost in sum: {sum(c.calls_lost for c in tried)} calls, {sum(c.turns_lost for c in tried)} turns, "
        f"{sum(c.bot_words_lost for c in tried)} of the bot's words, {words} of the callers' words ({excused} of them "
        f"not yet final when a gateway ended), {sum(c.history_differs for c in tried)} histories that differ, "
        f"{sum(c.effects_doubled for c in tried)} effects doubled, {sum(c.effects_missing for c in tried)} missing."
    )


def _whole(cells: Sequence[Cell]) -> bool:
    return not any(cell.few for cell in cells) and not all(cell.never for cell in cells)
