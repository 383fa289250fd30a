"""The replicas of a service through a day: they start, take calls, drain, and end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

FRESH = 0.8
"""New calls fill a replica so far (the gateway's FRESH_SHARE)."""
START_S = (30.0, 90.0)
"""From the autoscaler's wish to a replica that is ready: the image, the process, the first beat its clients hear."""


@dataclass(eq=False, slots=True)
class Replica:
    """`calls`: by number. `draining_s`: since when; infinite while it stays."""

    ready_s: float
    draining_s: float = math.inf
    calls: set[int] = field(default_factory=set)


@dataclass
class Fleet:
    """Of one service. `capacity`: calls of a replica. `grace_s`: how long one that drains keeps its calls, before they
    are moved; 0: it is stopped instead, with all its calls."""

    capacity: int
    grace_s: float
    chance: np.random.Generator
    replicas: list[Replica] = field(default_factory=list)
    where: dict[int, Replica] = field(default_factory=dict)
    hours: float = 0.0
    moved: int = 0
    cut: int = 0

    def start(self, count: int, now: float, *, at_once: bool = False) -> None:
        for _ in range(count):
            self.replicas.append(Replica(now + (0.0 if at_once else float(self.chance.uniform(*START_S)))))

    @property
    def asked(self) -> int:
        """Replicas that are to stay, also those that still start."""
        return sum(replica.draining_s == math.inf for replica in self.replicas)

    def best(self, now: float) -> Replica | None:
        """The least loaded that serves and stays."""
        serving = [each for each in self.replicas if each.ready_s <= now < each.draining_s]
        return min(serving, key=lambda replica: len(replica.calls), default=None)

    def room(self, now: float) -> Replica | None:
        """Where a new call may begin."""
        best = self.best(now)
        return best if best is not None and len(best.calls) < self.capacity * FRESH else None

    def put(self, call: int, replica: Replica) -> None:
        replica.calls.add(call)
        self.where[call] = replica

    def end(self, call: int) -> None:
        if (replica := self.where.pop(call, None)) is not None:
            replica.calls.discard(call)

    def scale(self, count: int, now: float) -> None:
        """More at once; those that are too many drain, as Kubernetes chooses: the youngest first."""
        self.start(count - self.asked, now)
        staying = [replica for replica in self.replicas if replica.draining_s == math.inf]
        for replica in sorted(staying, key=lambda each: -each.ready_s)[: max(0, len(staying) - count)]:
            replica.draining_s = now

    def pass_time(self, now: float, step_s: float) -> None:
        """Pods are paid. What is drained ends; calls left at the end of the grace go to another replica, or are cut."""
        self.hours += len(self.replicas) * step_s / 3600
        for replica in self.replicas:
            if replica.draining_s + self.grace_s <= now:
                self._empty(replica, now)
        self.replicas = [each for each in self.replicas if each.calls or each.draining_s > now]

    def _empty(self, replica: Replica, now: float) -> None:
        for call in list(replica.calls):
            self.end(call)
            other = self.best(now) if self.grace_s else None
            if other is None or len(other.calls) >= self.capacity:
                self.cut += 1
            else:
                self.moved += 1
                self.put(call, other)
