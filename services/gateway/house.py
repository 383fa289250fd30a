"""Who is in the house: admission of legs, and emptying it when the process is to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parley import telemetry
from parley.errors import AtCapacity
from parley.rpc import Admission
from services.gateway.leg.leg import Leg

FRESH_SHARE = 0.8
"""New calls fill the house up to here; the rest is for calls that come back."""
QUIET_S = 5.0
"""After the time to drain, a quiet moment is waited for this long."""


class House:
    """At most `capacity` legs."""

    def __init__(self, capacity: int) -> None:
        self.admission = Admission(capacity)
        self._legs: set[Leg] = set()

    @property
    def draining(self) -> bool:
        return self.admission.draining

    def __len__(self) -> int:
        return len(self._legs)

    def find(self, call_id: str) -> Leg | None:
        """The leg of a call that is here."""
        return next((leg for leg in self._legs if leg.call.call_id == call_id), None)

    def room(self, *, fresh: bool) -> bool:
        """Whether one more would be let in."""
        capacity = self.admission.capacity
        limit = max(1, int(capacity * FRESH_SHARE)) if fresh else capacity
        return not self.draining and len(self._legs) < limit

    @contextmanager
    def enter(self, leg: Leg, *, fresh: bool) -> Iterator[None]:
        """Raises AtCapacity, or Unavailable while draining."""
        self.admission.refuse_when_draining()
        if not self.room(fresh=fresh):
            raise AtCapacity(f"{len(self)} calls are here; PARLEY_CAPACITY is {self.admission.capacity}")
        with self.admission.admit():
            self._legs.add(leg)
            telemetry.CALLS_ACTIVE.set(len(self._legs))
            try:
                yield
            finally:
                self._legs.discard(leg)
                telemetry.CALLS_ACTIVE.set(len(self._legs))

    async def drain(self, patience_s: float) -> None:
        """Let calls end by themselves; then move them in quiet moments; then all."""
        if await self.admission.drained(patience_s):
            return
        for _ in range(int(QUIET_S / 0.1)):
            for leg in [leg for leg in self._legs if leg.quiet]:
                leg.move("this gateway is going away")
            if await self.admission.drained(0.1):
                return
        for leg in list(self._legs):
            leg.move("this gateway is going away")
        await self.admission.drained(QUIET_S)
