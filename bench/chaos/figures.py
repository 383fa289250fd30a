"""What was measured, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.chaos.store import Store
from bench.latency import percentile
from testbed.chaos.cells import BASELINE, MOMENTS, ROWS, WANTED, Row
from testbed.chaos.verdict import Verdict

Usual = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Cell:
    """One fault in one moment. Silences in seconds, median and 95th percentile: as heard, and beyond the vendor's own.

    `never`: why there can be no such call; then nothing else says anything. `bound_beyond`: on which of the two
    silences the bound is.
    """

    kind: str
    target: str
    moment: str
    never: str = ""
    calls: int = 0
    calls_lost: int = 0
    turns_lost: int = 0
    bot_words_lost: int = 0
    bot_words_twice: int = 0
    bot_words_unreadable: int = 0
    caller_words_lost: int = 0
    caller_words_twice: int = 0
    caller_words_unheard: int = 0
    caller_words_excused: int = 0
    history_differs: int = 0
    effects_missing: int = 0
    effects_doubled: int = 0
    extra_silence_p50_s: float | None = None
    extra_silence_p95_s: float | None = None
    beyond_vendor_p50_s: float | None = None
    beyond_vendor_p95_s: float | None = None
    bound_s: float | None = None
    bound_beyond: bool = False

    @property
    def few(self) -> bool:
        return not self.never and self.calls < WANTED

    @property
    def bounded_s(self) -> float | None:
        """The silence that the bound is on."""
        return self.beyond_vendor_p95_s if self.bound_beyond else self.extra_silence_p95_s


def usual(store: Store) -> Usual:
    """Moment -> delay and longest hole in seconds without a fault, medians."""
    found: Usual = {}
    verdicts = store.verdicts(BASELINE)
    for moment in BASELINE.moments:
        here = [v for v in verdicts if v.aimed == moment and not v.turn_lost]
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


def cell(row: Row, moment: str, verdicts: Sequence[Verdict], usual: Usual) -> Cell:
    """`verdicts`: of all moments of the row."""
    here = [v for v in verdicts if v.moment == moment]
    silences = [
        (extra, max(0.0, extra - v.own_s))
        for v in here
        if not v.call_lost and not v.turn_lost and (extra := extra_s(v, usual)) is not None
    ]
    heard, beyond = ([each[which] for each in silences] for which in (0, 1))
    words_lost = sum(len(v.caller_words_lost) for v in here)
    unheard = sum(len(v.caller_words_unheard) for v in here)
    return Cell(
        kind=row.kind,
        target=row.target,
        moment=moment,
        calls=len(here),
        calls_lost=sum(bool(v.call_lost) for v in here),
        turns_lost=sum(v.turn_lost for v in here),
        bot_words_lost=sum(len(v.bot_words_lost) for v in here),
        bot_words_twice=sum(len(v.bot_words_twice) for v in here),
        bot_words_unreadable=sum(v.unreadable for v in here),
        caller_words_lost=words_lost,
        caller_words_twice=sum(len(v.caller_words_twice) for v in here),
        caller_words_unheard=unheard,
        caller_words_excused=row.excused(moment, words_lost, unheard),
        history_differs=sum(bool(v.history_differs) for v in here),
        effects_missing=sum(v.effects_missing for v in here),
        effects_doubled=sum(v.effects_doubled for v in here),
        extra_silence_p50_s=_at(heard, 0.5),
        extra_silence_p95_s=_at(heard, 0.95),
        beyond_vendor_p50_s=_at(beyond, 0.5),
        beyond_vendor_p95_s=_at(beyond, 0.95),
        bound_s=row.bound_s,
        bound_beyond=row.beyond(moment),
    )


def rows(store: Store) -> Iterator[tuple[Row, list[Cell]]]:
    """All rows with all their cells, also those in which nothing was measured yet, or can be."""
    normal = usual(store)
    for row in ROWS:
        verdicts = store.verdicts(row)
        cells = [cell(row, moment, verdicts, normal) for moment in row.moments]
        cells += [Cell(row.kind, row.target, m, never=row.never[m]) for m in MOMENTS if m in row.never]
        yield row, cells


def _at(values: Sequence[float], share: float) -> float | None:
    return round(percentile(values, share), 2) if values else None
