"""How a process's engines did within the last minutes, out of its own metrics."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import Counter, Histogram

WINDOW_S = 600.0
EVERY_S = 10.0
"""Between two marks that the window may begin at."""

Buckets = Mapping[str, int]
"""Upper bound in ms ("+Inf" last) -> answers up to it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`histogram`: cumulative, as Prometheus has it."""

    count: int = 0
    errors: int = 0
    histogram: Buckets = field(default_factory=dict)

    def minus(self, before: Figures) -> Figures:
        rest = {bound: number - before.histogram.get(bound, 0) for bound, number in self.histogram.items()}
        return Figures(self.count - before.count, self.errors - before.errors, rest)

    def quantile(self, share: float) -> float | None:
        """In ms, evenly between the bounds; None without answers, the last bound for what lies above it."""
        return quantile(self.histogram, share)


def quantile(histogram: Buckets, share: float) -> float | None:
    rows = [(float(bound), number) for bound, number in histogram.items()]
    rows.sort()
    if not rows or not rows[-1][1]:
        return None
    wanted, low, below = share * rows[-1][1], 0.0, 0
    for bound, number in rows:
        if number >= wanted and number > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / (number - below)
        low, below = (bound, number) if bound != float("inf") else (low, number)
    return low


def together(those: Iterable[Buckets]) -> dict[str, int]:
    """Of several processes."""
    found: dict[str, int] = {}
    for buckets in those:
        for bound, number in buckets.items():
            found[bound] = found.get(bound, 0) + number
    return found


class Recent:
    """`latency` and `errors` have a label `engine`."""

    def __init__(self, latency: Histogram, errors: Counter, clock: Callable[[], float] = time.monotonic) -> None:
        self._latency = latency
        self._errors = errors
        self._clock = clock
        self._marks: deque[tuple[float, dict[str, Figures]]] = deque([(clock(), self._all())])

    def look(self) -> dict[str, Figures]:
        """By engine, since the window began. Called every few seconds."""
        now, all_ = self._clock(), self._all()
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW_S:
            self._marks.popleft()
        before = self._marks[0][1]
        if now - self._marks[-1][0] >= EVERY_S:
            self._marks.append((now, all_))
        return {engine: figures.minus(before.get(engine, Figures())) for engine, figures in all_.items()}

    def _all(self) -> dict[str, Figures]:
        buckets: dict[str, dict[str, int]] = {}
        errors: dict[str, int] = {}
        for metric in self._latency.collect():
            for sample in metric.samples:
                if sample.name.endswith("_bucket"):
                    buckets.setdefault(sample.labels["engine"], {})[sample.labels["le"]] = int(sample.value)
        for metric in self._errors.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    engine = sample.labels["engine"]
                    errors[engine] = errors.get(engine, 0) + int(sample.value)
        names = {*buckets, *errors}
        return {
            name: Figures(buckets.get(name, {}).get("+Inf", 0), errors.get(name, 0), buckets.get(name, {}))
            for name in names
        }
