"""One clock for all phones of a process: each sends a frame every 20 ms, on a fixed schedule."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

FRAME_S = 0.020
GROUPS = 4
"""Phones are spread over the 20 ms: real calls do not speak in step."""
_CATCH_UP_S = 1.0


class Ticking(Protocol):
    """Something that wants to be called every 20 ms."""

    def tick(self, now: float) -> None: ...


class Clock:
    """`async with Clock() as clock`. Sleeps while nobody has joined.

    After a stall the missed ticks follow at once, as a carrier's frames would; of more than a second they are dropped
    and counted in `skipped`. `late_s` has how late the last ticks were.
    """

    def __init__(self) -> None:
        self._groups: list[dict[Ticking, None]] = [{} for _ in range(GROUPS)]
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._turn = 0
        self.late_s: deque[float] = deque(maxlen=100_000)
        self.skipped = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def join(self, who: Ticking) -> None:
        """Tick `who` from now on. Raises whatever `tick` raises into the loop's exception handler."""
        min(self._groups, key=len)[who] = None
        if self._timer is None:
            self._due = time.monotonic()
            self._arm()

    def leave(self, who: Ticking) -> None:
        for group in self._groups:
            group.pop(who, None)
        if not any(self._groups):
            self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        """Wait for the next group that has members."""
        for _ in range(GROUPS):
            self._turn = (self._turn + 1) % GROUPS
            self._due += FRAME_S / GROUPS
            if self._groups[self._turn]:
                break
        delay = max(0.0, self._due - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        now = time.monotonic()
        late = now - self._due
        self.late_s.append(late)
        if late > _CATCH_UP_S:
            self.skipped += int(late / FRAME_S)
            self._due += late
        group = tuple(self._groups[self._turn])
        self._arm()
        for who in group:
            who.tick(now)
