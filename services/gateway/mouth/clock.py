"""One clock for all mouths of the process: a tick every 20 ms, no timer per call."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import structlog

log = structlog.get_logger()

TICK_S = 0.020
_CATCH_UP_S = 0.5
"""What is later than that is not made up for, whether this process stood still or its ticks take too long."""


def now_ms() -> float:
    """Monotonic time in ms; what every `now` in this service means."""
    return time.monotonic() * 1000


class Ticking(Protocol):
    """Something that wants to be called every 20 ms while it has work to do."""

    def tick(self, now: float) -> None: ...


class Clock:
    """Calls `tick(now)` of all who asked. Sleeps when nobody does."""

    def __init__(self) -> None:
        self._ticking: set[Ticking] = set()
        self._wanted = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ticking)

    def add(self, who: Ticking) -> None:
        self._ticking.add(who)
        self._wanted.set()

    def remove(self, who: Ticking) -> None:
        self._ticking.discard(who)

    async def run(self) -> None:
        """Tick until cancelled, on a fixed schedule: a late tick does not make the next one later."""
        due = time.monotonic()
        while True:
            if not self._ticking:
                self._wanted.clear()
                await self._wanted.wait()
                due = time.monotonic()
            due += TICK_S
            late = time.monotonic() - due
            if late > _CATCH_UP_S:
                due += late
            await asyncio.sleep(max(0.0, -late))
            self._tick()

    def _tick(self) -> None:
        now = now_ms()
        for who in tuple(self._ticking):
            try:
                who.tick(now)
            except Exception:
                # One broken call must not silence the others.
                self._ticking.discard(who)
                log.exception("a mouth broke in its tick")
