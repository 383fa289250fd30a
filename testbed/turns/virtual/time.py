"""Time that passes only when everything due has been done. Nothing here waits."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

Do = Callable[[], None]


class Appointment:
    """Something that will be done, unless it is cancelled."""

    __slots__ = ("cancelled", "do")

    def __init__(self, do: Do) -> None:
        self.do = do
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualTime:
    """Seconds, in place of `time.monotonic()`. What is due at the same time is done in the order of asking."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._due: list[tuple[float, int, Appointment]] = []
        self._serial = count()

    def after(self, ms: float, do: Do) -> Appointment:
        return self.at(self.now + ms / 1000, do)

    def at(self, when: float, do: Do) -> Appointment:
        appointment = Appointment(do)
        heapq.heappush(self._due, (max(when, self.now), next(self._serial), appointment))
        return appointment

    def run(self, until: Callable[[], bool], longest_s: float) -> bool:
        """Do what is due, in order, until `until` says so. False: it did not in so long."""
        end = self.now + longest_s
        while self._due and not until():
            when, _, appointment = heapq.heappop(self._due)
            if when > end:
                return False
            self.now = when
            if not appointment.cancelled:
                appointment.do()
        return True

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Everybody who asks for the time is told this one. Nothing may be awaited meanwhile."""
        real = time.monotonic
        time.monotonic = lambda: self.now
        try:
            yield
        finally:
            time.monotonic = real
