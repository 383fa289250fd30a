"""Where the mouth's sound leaves: paced, marked, and its place at the far end known. The echo is told what goes out."""

from __future__ import annotations

from parley.audio import AudioFormat
from services.gateway.call import Wire
from services.gateway.ears.level import level_of
from services.gateway.mouth.playout import PlayClock
from services.gateway.reflex.echo import SLOT_MS, Echo

TARGET_MS = 200
PIECE_MS = 80
MARK_EVERY_MS = 400


class Outlet:
    """A wire with its play clock. Positions are ms of sound since the last `clear`."""

    def __init__(self, wire: Wire, sound: AudioFormat, echo: Echo) -> None:
        self._wire = wire
        self._per_ms = sound.bytes_per_ms
        self._level_of = level_of(sound)
        self._echo = echo
        self._clock = PlayClock()
        self._marked_at_ms = 0.0
        self._fresh = True

    @property
    def position(self) -> float:
        """Where the next sound will lie."""
        return self._clock.sent_ms

    @property
    def calibrated(self) -> bool:
        """Marks have told what the far end holds back."""
        return self._clock.calibrated

    def wants(self, now: float) -> bool:
        """There is room: never more than 200 ms wait at the far end."""
        return self._clock.ahead(now) <= TARGET_MS - PIECE_MS

    def dry(self, now: float) -> float:
        """How long the far end has been silent in want of sound, in ms."""
        return self._clock.dry(now)

    def overdue(self, now: float) -> float:
        """How long a mark has been due that is not back."""
        return self._clock.overdue(now)

    def played(self, now: float) -> float:
        """How much has sounded since the last `clear`."""
        return self._clock.played(now)

    def sounds_at(self, position: float, now: float) -> float:
        """When this position sounds at the far end, or did."""
        return self._clock.sounds_at(position, now)

    def sent_by(self, at: float) -> float:
        """How much had been sent by then, since the last `clear`."""
        return self._clock.sent_by(at)

    def play(self, piece: bytes, now: float) -> float:
        """Send a piece. Returns how long the far end had been silent in want of it, in ms."""
        if self._fresh:
            self._mark(now)
        begins = now + self._clock.ahead(now)
        gap = self._clock.sent(len(piece) / self._per_ms, now)
        self._wire.send_audio(piece)
        slot = int(SLOT_MS) * self._per_ms
        self._echo.sent(begins, [self._level_of(piece[at : at + slot]) for at in range(0, len(piece), slot)])
        return gap

    def mark(self, now: float, *, end: bool = False) -> None:
        """A mark behind every 400 ms, and behind the `end` of an utterance."""
        if end or self._clock.sent_ms - self._marked_at_ms >= MARK_EVERY_MS:
            self._mark(now)

    def returned(self, mark: str, now: float) -> bool | None:
        """A mark came back. True: its sound was played; False: it was cleared; None: never sent, or back twice."""
        return self._clock.returned(mark, now)

    def clear(self, now: float) -> None:
        """Silence at the far end, at once."""
        self._wire.clear()
        self._clock.clear()
        self._echo.cleared(now)
        self._mark(now)

    def _mark(self, now: float) -> None:
        self._fresh = False
        self._marked_at_ms = self._clock.sent_ms
        self._wire.mark(self._clock.mark(now))
