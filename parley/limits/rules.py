"""What one address may take in which time. Pure; times in seconds of any clock that never goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Taken:
    """What an address has taken, as its rule counts it. `untold`: what other replicas do not know of yet."""

    since: float
    count: float = 0.0
    before: float = 0.0
    untold: float = 0.0


class Rule(Protocol):
    @property
    def most(self) -> float:
        """What may be taken at once."""

    def wait(self, taken: Taken, now: float, cost: float) -> float:
        """Brings `taken` to this moment; seconds until so much more may be taken, 0 when it may be now."""


@dataclass(frozen=True, slots=True)
class Window:
    """`most` in any `seconds`, as a sliding window counts: what was taken in the window before counts by the part of
    it that is still in sight."""

    most: float
    seconds: float

    def wait(self, taken: Taken, now: float, cost: float) -> float:
        self._slide(taken, now)
        into = (now - taken.since) / self.seconds
        if taken.before * (1 - into) + taken.count + cost <= self.most:
            return 0.0
        room = self.most - cost - taken.count
        if room >= 0 and taken.before > 0:
            return max(0.0, (1 - room / taken.before - into) * self.seconds)
        # Only the next window has room, when enough of this one is out of sight.
        return (1 - into + max(0.0, 1 - (self.most - cost) / max(taken.count, cost))) * self.seconds

    def _slide(self, taken: Taken, now: float) -> None:
        windows = int((now - taken.since) // self.seconds)
        if windows >= 2:
            taken.since, taken.count, taken.before = now, 0.0, 0.0
        elif windows == 1:
            taken.since, taken.count, taken.before = taken.since + self.seconds, 0.0, taken.count


@dataclass(frozen=True, slots=True)
class Steady:
    """`per_s` for as long as one likes, and up to `most` at once after a rest: a bucket that leaks."""

    per_s: float
    most: float

    def wait(self, taken: Taken, now: float, cost: float) -> float:
        taken.count = max(0.0, taken.count - (now - taken.since) * self.per_s)
        taken.since = now
        return max(0.0, taken.count + cost - self.most) / self.per_s
