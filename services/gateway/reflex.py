"""When the mouth falls silent by itself, and when it goes on by itself. Pure: time in ms comes as an argument.

What decides today is the ears' `speech_started`. A pause is a lease: without a decision it ends 1.5 s after quiet.
"""

from __future__ import annotations

LEASE_MS = 1_500.0
LONGEST_MS = 10_000.0
"""Without a decision for so long the voice goes on, whoever speaks."""


class Reflex:
    """Asked by the leg; it owns no mouth. `lease_ends` is None while nothing is paused."""

    def __init__(self) -> None:
        self._speaking = False
        self.lease_ends: float | None = None

    def speech_started(self, now: float, interruptible: bool) -> bool:
        """True: fall silent now."""
        self._speaking = True
        if self.lease_ends is not None:
            self.lease_ends = now + LONGEST_MS
        return interruptible

    def speech_stopped(self, now: float, paused: bool) -> None:
        self._speaking = False
        if paused:
            self.lease_ends = now + LEASE_MS

    def paused(self, now: float) -> None:
        """The mouth has paused."""
        self.lease_ends = now + (LONGEST_MS if self._speaking else LEASE_MS)

    def decided(self) -> None:
        """A `stop` or `resume` came."""
        self.lease_ends = None

    def lapsed(self, now: float) -> bool:
        """True once, when nobody decided in time."""
        if self.lease_ends is None or now < self.lease_ends:
            return False
        self.lease_ends = None
        return True
