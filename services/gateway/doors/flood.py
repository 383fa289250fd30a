"""How much a far end may send: what a telephone sends, and what a network may have held back. Pure; times in ms."""

from __future__ import annotations

from services.gateway.call import Wire
from services.gateway.metrics import FLOOD_MS

MAX_AHEAD_MS = 6_000.0
"""A network that was silent delivers so much at once; more sound than that is no voice, and is not heard."""
MAX_SURPLUS_MS = 30_000.0
"""Sound thrown away, less a tenth of the time: a far end that goes on is closed."""
MESSAGES_PER_S, MESSAGES_AT_ONCE = 50.0, 400.0
"""Of control. All marks of a long answer come back at once when it is cleared."""


class Allowance:
    """Grows with time up to `most`."""

    def __init__(self, per_ms: float, most: float) -> None:
        self._per_ms = per_ms
        self._most = self._left = most
        self._at = 0.0

    def takes(self, cost: float, now: float) -> bool:
        """Whether there is so much left; then it is spent."""
        self._left = min(self._most, self._left + (now - self._at) * self._per_ms)
        self._at = now
        if cost > self._left:
            return False
        self._left -= cost
        return True


def of_messages() -> Allowance:
    return Allowance(MESSAGES_PER_S / 1000, MESSAGES_AT_ONCE)


class Flood:
    """The sound of one leg. Closes the far end with 1008 when it does not stop to send more than can sound."""

    def __init__(self, bytes_per_ms: int, wire: Wire) -> None:
        self._bytes_per_ms = bytes_per_ms
        self._wire = wire
        self._sound = Allowance(1.0, MAX_AHEAD_MS)
        self._surplus = 0.0
        self._at = 0.0

    def passes(self, size: int, now: float) -> bool:
        """Whether a frame of so many bytes may be heard."""
        ms = size / self._bytes_per_ms
        if self._sound.takes(ms, now):
            return True
        FLOOD_MS.inc(ms)
        self._surplus = max(0.0, self._surplus - (now - self._at) / 10) + ms
        self._at = now
        if self._surplus > MAX_SURPLUS_MS:
            self._wire.close(1008, "more sound than time")
        return False
