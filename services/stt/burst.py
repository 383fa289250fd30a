"""How much may come at once: more than that is no speech, and would fill the memory."""

from __future__ import annotations


class Burst:
    """`most` at once, and `per_s` more every second. Times in seconds of any clock."""

    def __init__(self, most: int, per_s: float) -> None:
        self._most = most
        self._per_s = per_s
        self._room = float(most)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """One more. False: that is too many."""
        self._room = min(self._most, self._room + max(0.0, now - self._at) * self._per_s)
        self._at = now
        self._room -= 1
        return self._room >= 0
