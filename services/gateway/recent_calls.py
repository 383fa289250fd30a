"""Calls that this process knows to be over, so that the carrier does not bring them back. Bounded, oldest first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_REMEMBERED = 50_000
KEPT_S = 3_600.0


class RecentCalls:
    """A count per call, forgotten after an hour."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._calls: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, call_id: str) -> int:
        """One more for this call; returns how many there are."""
        count = self.count(call_id) + 1
        self._calls[call_id] = self._now(), count
        self._calls.move_to_end(call_id)
        while len(self._calls) > MAX_REMEMBERED:
            self._calls.popitem(last=False)
        return count

    def count(self, call_id: str) -> int:
        at, count = self._calls.get(call_id, (0.0, 0))
        if count and self._now() - at > KEPT_S:
            del self._calls[call_id]
            return 0
        return count

    def forget(self, call_id: str) -> None:
        self._calls.pop(call_id, None)
