"""What a caller hears: audio plays at once and in order of arrival, in real time, with nothing in hand.

There is no jitter buffer: audio that comes late leaves a hole. All times are seconds of `time.monotonic()`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

RATE = 8000
SILENCE = b"\xff"
_AUDIBLE = 0.01
"""Of full scale, -40 dB: samples below are silence."""


def _loudness() -> bytes:
    """For each µ-law byte 1 when it is audible, else 0."""
    loud = bytearray(256)
    for code in range(256):
        bits = ~code & 0x7F
        magnitude = (((bits & 0x0F) << 3) + 0x84) << (bits >> 4)
        loud[code] = magnitude - 0x84 >= _AUDIBLE * 32768
    return bytes(loud)


_LOUD = _loudness()


def audible(mulaw: bytes) -> bytes:
    """For each sample 1 when it is audible, else 0."""
    return mulaw.translate(_LOUD)


@dataclass(slots=True)
class Piece:
    """One `media` message: when it came, when its first sample sounds, and what of it sounded."""

    arrived: float
    start: float
    data: bytes

    @property
    def end(self) -> float:
        return self.start + len(self.data) / RATE


@dataclass(frozen=True, slots=True)
class Cleared:
    """The carrier's buffer was emptied, by `clear` or by the end of the stream."""

    at: float
    dropped_ms: float


class Heard:
    """The recording of one call, of a long one perhaps the end of it. `born` is the zero of its timeline."""

    def __init__(self, born: float) -> None:
        self.born = born
        self.pieces: list[Piece] = []
        self.clears: list[Cleared] = []
        self._ends = born

    @property
    def ends(self) -> float:
        """When all that has come so far will have sounded."""
        return self._ends

    def take(self, data: bytes, now: float) -> float:
        """Audio has come; returns when it will have sounded."""
        piece = Piece(now, max(now, self._ends), data)
        self.pieces.append(piece)
        self._ends = piece.end
        return self._ends

    def clear(self, now: float) -> None:
        """What has not sounded by now never will."""
        dropped = max(0.0, self._ends - now)
        self.clears.append(Cleared(now, dropped * 1000))
        for piece in reversed(self.pieces):
            if piece.end <= now:
                break
            piece.data = piece.data[: max(0, round((now - piece.start) * RATE))]
        self._ends = min(self._ends, now)

    def forget(self, before: float) -> None:
        """What sounded before is not kept any more: the recording begins there."""
        self.pieces = [piece for piece in self.pieces if piece.end > before]
        self.clears = [clear for clear in self.clears if clear.at > before]
        self.born = max(self.born, before)

    def mulaw(self, until: float | None = None, since: float | None = None) -> bytes:
        """The sound from `since` (`born`) on, silence included, to the end of the last piece or to `until`."""
        zero = self.born if since is None else max(since, self.born)
        size = max(0, round(((self._ends if until is None else until) - zero) * RATE))
        sound = bytearray(SILENCE * size)
        for piece in self._back_to(zero):
            begin = round((piece.start - zero) * RATE)
            data = piece.data[max(0, -begin) : max(0, size - begin)]
            sound[max(0, begin) : max(0, begin) + len(data)] = data
        return bytes(sound)

    def sounded(self, now: float) -> bytes:
        """What has sounded by `now`, without the holes between the pieces."""
        return b"".join(piece.data[: round((now - piece.start) * RATE)] for piece in self.pieces if piece.start < now)

    def first_audible(self, since: float) -> float | None:
        """When the first audible sample at or after `since` sounds (or sounded); None when none has come."""
        for piece in self._back_to(since):
            begin = max(0, math.ceil((since - piece.start) * RATE))
            if (place := piece.data.translate(_LOUD).find(1, begin)) >= 0:
                return piece.start + place / RATE
        return None

    def last_audible(self) -> float:
        """When the last audible sample that has come sounds (or sounded); `born` when none has."""
        for piece in reversed(self.pieces):
            if (place := piece.data.translate(_LOUD).rfind(1)) >= 0:
                return piece.start + (place + 1) / RATE
        return self.born

    def gaps(self, at_least_ms: float = 20.0, at_most_ms: float = 1000.0) -> list[tuple[float, float]]:
        """Holes between pieces that belong together: when each began, and its length in ms.

        A longer silence is taken for the end of a reply, and so is one that follows a clear.
        """
        found = []
        cleared = [clear.at for clear in self.clears]
        sounded = [piece for piece in self.pieces if piece.data]
        for before, after in zip(sounded, sounded[1:], strict=False):
            length = (after.start - before.end) * 1000
            if at_least_ms <= length <= at_most_ms and not any(before.arrived <= at <= after.arrived for at in cleared):
                found.append((before.end, length))
        return found

    def _back_to(self, since: float) -> Iterator[Piece]:
        """The pieces that sound after `since`, in order."""
        first = len(self.pieces)
        while first and self.pieces[first - 1].end > since:
            first -= 1
        return iter(self.pieces[first:])
