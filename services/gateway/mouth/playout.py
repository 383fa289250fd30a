"""Where the far end is in what it was sent: the play clock, corrected by marks. Pure: time comes as an argument.

The carrier plays what arrives at once and in order. Audio sent at T and a `clear` sent at t travel equally long, so
when the `clear` arrives, t - T has been played: the plain clock needs no latency. Only what the carrier itself holds
back must be subtracted: how late marks come back, less how late a mark comes back when nothing is buffered.
"""

from __future__ import annotations

from collections import deque

MAX_HELD_BACK_MS = 400.0
"""Marks later than this say more about marks than about sound."""
MAX_PENDING_MARKS = 256
MAX_SENDINGS = 64
"""The last ones: some seconds of sound."""


class PlayClock:
    """One generation lasts from a `clear` to the next; positions are ms of audio sent in it."""

    def __init__(self) -> None:
        self.generation = 1
        self.sent_ms = 0.0
        self._ends_at = 0.0
        self._floor = 0.0
        self._serial = 0
        self._sendings: deque[tuple[float, float, float]] = deque(maxlen=MAX_SENDINGS)
        self._pending: dict[str, tuple[float, float, bool]] = {}
        self._lags: deque[float] = deque(maxlen=4)
        self._round_trips: deque[float] = deque(maxlen=4)
        self.lost_marks = 0

    def sent(self, ms: float, now: float) -> float:
        """`ms` of audio went out at `now`. Returns how long the far end had been silent in want of it."""
        gap = self.dry(now)
        self._ends_at = max(self._ends_at, now) + ms
        self.sent_ms += ms
        self._sendings.append((now, self.sent_ms, self._ends_at))
        return gap

    def ahead(self, now: float) -> float:
        """ms of audio the far end still has to play, if it plays on arrival."""
        return max(0.0, self._ends_at - now)

    def sent_by(self, at: float) -> float:
        """How much of this generation had gone out by then."""
        return max((sent for when, sent, _ in self._sendings if when <= at), default=0.0)

    def dry(self, now: float) -> float:
        """How long the far end has been silent in want of sound, in ms."""
        return max(0.0, now - self._ends_at) if self.sent_ms else 0.0

    def played(self, now: float) -> float:
        """How much of this generation has sounded: never less than a true mark said, never more than was sent."""
        by_clock = self.sent_ms - max(0.0, self._ends_at + self.held_back - now)
        return min(max(by_clock, self._floor), self.sent_ms)

    def sounds_at(self, position: float, now: float) -> float:
        """When this position of the generation sounds, or did. What is to be sent yet is taken to follow at once."""
        beyond = self.sent_ms, max(self._ends_at, now)
        sent, ends_at = next(((sent, end) for _, sent, end in self._sendings if sent > position), beyond)
        return ends_at - (sent - position) + self.held_back

    @property
    def held_back(self) -> float:
        """What the carrier keeps in hand before playing: the smallest recent lag less the way there and back."""
        if not self._lags:
            return 0.0
        way = min(self._round_trips, default=0.0)
        return min(max(0.0, min(self._lags) - way), MAX_HELD_BACK_MS)

    @property
    def calibrated(self) -> bool:
        """A mark behind sound has come back: what the far end holds back is known."""
        return bool(self._lags)

    def mark(self, now: float) -> str:
        """Name of a mark to be sent now, behind all audio sent so far."""
        self._serial += 1
        name = f"{self.generation}.{self._serial}"
        if len(self._pending) >= MAX_PENDING_MARKS:
            del self._pending[next(iter(self._pending))]
            self.lost_marks += 1
        self._pending[name] = (self.sent_ms, max(self._ends_at, now), self.sent_ms == 0.0)
        return name

    def returned(self, name: str, now: float) -> bool | None:
        """A mark came back. True: its audio was played; False: it was cleared; None: never sent, or back twice."""
        pending = self._pending.pop(name, None)
        if pending is None:
            return None
        if not name.startswith(f"{self.generation}."):
            return False
        position, due, bare = pending
        (self._round_trips if bare else self._lags).append(max(0.0, now - due))
        self._floor = max(self._floor, position)
        return True

    def overdue(self, now: float) -> float:
        """How long the oldest mark that is not back has been due; 0 where marks do not come back at all."""
        due = next((due for _, due, _ in self._pending.values()), now)
        return max(0.0, now - due - self.held_back) if self.calibrated else 0.0

    def clear(self) -> None:
        """A `clear` goes out: the far end's buffer is empty, and what comes back for it says nothing about sound."""
        self.generation += 1
        self._sendings.clear()
        self.sent_ms = self._ends_at = self._floor = 0.0
