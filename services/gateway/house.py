"""Who is in the house: admission of legs, and emptying it when the process is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from parley import telemetry
from parley.errors import AtCapacity, Unavailable
from services.gateway.leg import Leg

FRESH_SHARE = 0.8
"""New calls fill the house up to here; the rest is for calls that come back."""
QUIET_S = 5.0
"""After the time to drain, a quiet moment is waited for this long."""


class House:
    """At most `capacity` legs."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._legs: set[Leg] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._legs)

    def find(self, call_id: str) -> Leg | None:
        """The leg of a call that is here."""
        return next((leg for leg in self._legs if leg.call.call_id == call_id), None)

    def room(self, *, fresh: bool) -> bool:
        """Whether one more would be let in."""
        limit = max(1, int(self._capacity * FRESH_SHARE)) if fresh else self._capacity
        return not self.draining and len(self._legs) < limit

    @contextmanager
    def enter(self, leg: Leg, *, fresh: bool) -> Iterator[None]:
        """Raises AtCapacity, or Unavailable while draining."""
        if self.draining:
            raise Unavailable("this gateway is draining")
        if not self.room(fresh=fresh):
            raise AtCapacity(f"{len(self._legs)} calls are here; PARLEY_CAPACITY is {self._capacity}")
        self._legs.add(leg)
        self._empty.clear()
        telemetry.CALLS_ACTIVE.set(len(self._legs))
        try:
            yield
        finally:
            self._legs.discard(leg)
            telemetry.CALLS_ACTIVE.set(len(self._legs))
            if not self._legs:
                self._empty.set()

    async def drain(self, patience_s: float) -> None:
        """Let calls end by themselves; then move them in quiet moments; then all."""
        self.draining = True
        if await self._emptied(patience_s):
            return
        for _ in range(int(QUIET_S / 0.1)):
            for leg in [leg for leg in self._legs if leg.quiet]:
                leg.move("this gateway is going away")
            if await self._emptied(0.1):
                return
        for leg in list(self._legs):
            leg.move("this gateway is going away")
        await self._emptied(QUIET_S)

    async def _emptied(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True
