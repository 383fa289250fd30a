"""Statistics of calls, out of sums and histograms that the database makes. Pure.

A histogram maps the lower bound of a bucket, in ms, to how many fell into it; buckets are `STEP_MS` wide, and all that
lasts longer than `LONGEST_MS` is in the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

STEP_MS = 10
LONGEST_MS = 30_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
By = Literal["hour", "day", "agent", "number"]
Histogram = Mapping[int, int]


@dataclass
class Sums:
    """Of some calls. `ended`: those that are over. `answers`: ms to the first sound, of every turn."""

    calls: int = 0
    seconds: float = 0.0
    ended: int = 0
    transfers: int = 0
    interruptions: int = 0
    turns: int = 0
    usd: float = 0.0
    answers: dict[int, int] = field(default_factory=dict)

    def add(self, other: Sums) -> None:
        self.calls += other.calls
        self.seconds += other.seconds
        self.ended += other.ended
        self.transfers += other.transfers
        self.interruptions += other.interruptions
        self.turns += other.turns
        self.usd += other.usd
        for bucket, count in other.answers.items():
            self.answers[bucket] = self.answers.get(bucket, 0) + count

    def told(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "minutes": round(self.seconds / 60, 2),
            "turns": self.turns,
            "answer_ms": {"p50": quantile(self.answers, 0.5), "p95": quantile(self.answers, 0.95)},
            "containment": round(1 - self.transfers / self.ended, 4) if self.ended else None,
            "transfers": self.transfers,
            "interruptions": self.interruptions,
            "cost_usd": round(self.usd, 4),
        }


def quantile(histogram: Histogram, share: float) -> int | None:
    """In ms: evenly within the bucket in which it lies. None: nothing was counted."""
    total = sum(histogram.values())
    if not total:
        return None
    wanted, before = share * total, 0
    for bucket in sorted(histogram):
        count = histogram[bucket]
        if before + count >= wanted:
            return round(bucket + STEP_MS * (wanted - before) / count)
        before += count
    return max(histogram)


def stage_told(stage: str, histogram: Histogram) -> dict[str, Any]:
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    return {
        "stage": stage,
        "n": sum(histogram.values()),
        **{name: quantile(histogram, share) for name, share in shares.items()},
    }


def key_told(by: By, key: Any) -> str:
    """`2026-11-30`, `2026-11-30T09:00:00.000Z`, or the name as it stands."""
    if by == "day":
        return datetime.fromtimestamp(key * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")
    if by == "hour":
        return datetime.fromtimestamp(key * HOUR_MS / 1000, UTC).strftime("%Y-%m-%dT%H:00:00.000Z")
    return str(key)


def told(by: By, sums: Mapping[Any, Sums], most: int) -> dict[str, Any]:
    """`totals`, `rows` and `more`. By time: in its order, the newest kept; else the largest first."""
    totals = Sums()
    for each in sums.values():
        totals.add(each)
    keys = _in_order(by, sums)
    kept = keys[-most:] if by in ("hour", "day") else keys[:most]
    rows = [{"key": key_told(by, key), **sums[key].told()} for key in kept]
    return {"totals": totals.told(), "rows": rows, "more": len(keys) - len(kept)}


def _in_order(by: By, sums: Mapping[Any, Sums]) -> list[Any]:
    if by in ("hour", "day"):
        return sorted(sums)
    return sorted(sums, key=lambda key: (-sums[key].calls, str(key)))


def gathered(calls: Iterable[tuple[Any, ...]], answers: Iterable[tuple[Any, int, int]]) -> dict[Any, Sums]:
    """`calls`: key, then the fields of Sums in their order without `answers`. `answers`: key, bucket, how many."""
    found: dict[Any, Sums] = {}
    for key, count, seconds, ended, transfers, interruptions, turns, usd in calls:
        found[key] = Sums(count, seconds or 0.0, ended or 0, transfers or 0, interruptions or 0, turns or 0, usd or 0.0)
    for key, bucket, count in answers:
        if key in found:
            found[key].answers[bucket] = found[key].answers.get(bucket, 0) + count
    return found
