"""When the caller's sound was heard: places in it, ms of sound, as time since the leg began.

Both differ as soon as sound is missing: a page's closed microphone, a line that sends nothing while nobody speaks, a
process that stood still for so long that some was lost. What was said is compared with what the bot said when (echo,
consent), so words have the time they were said at.

Sound may come late and then at once; it never comes early. So a place is behind the clock by no more than any later
one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from parley.v1 import conversation_pb2

_PIECE_MS = 500
_KEPT = 150
"""Pieces: words are told of the last minute of sound."""


class LegClock:
    """`begin` is called with every frame of the leg, `fed` with those that are heard; `now`: monotonic ms."""

    def __init__(self) -> None:
        self.began = 0.0
        self._pieces: deque[int] = deque(maxlen=_KEPT)
        self._behind: deque[float] = deque(maxlen=_KEPT)
        """By how much a piece is behind the clock, ms: rises from piece to piece."""

    def begin(self, now: float) -> None:
        """The leg's time 0, the first time."""
        self.began = self.began or now

    def fed(self, until_ms: int, now: float) -> None:
        """The sound up to this place has come."""
        self.begin(now)
        piece, behind = until_ms // _PIECE_MS, now - self.began - until_ms
        while self._behind and self._behind[-1] >= behind:
            self._behind.pop()
            self._pieces.pop()
        if not self._pieces or self._pieces[-1] < piece:
            self._pieces.append(piece)
            self._behind.append(behind)

    def leg_ms(self, place_ms: int) -> int:
        """When this place in the sound came."""
        if not self._pieces:
            return place_ms
        known = bisect_left(self._pieces, place_ms // _PIECE_MS)
        return max(0, place_ms + round(self._behind[min(known, len(self._behind) - 1)]))

    def told(self, event: conversation_pb2.CallEvent) -> None:
        """Turn the places in what was heard into times."""
        kind = event.speech.WhichOneof("event")
        if kind is None:
            return
        heard = getattr(event.speech, kind)
        if kind in ("interim", "final"):
            for each in (heard, *(heard.words if kind == "final" else ())):
                if each.end_ms:
                    each.start_ms, each.end_ms = self.leg_ms(each.start_ms), self.leg_ms(each.end_ms)
            return
        heard.offset_ms = self.leg_ms(heard.offset_ms)
        if kind == "turn_ended" and heard.speech_end_ms:
            heard.speech_end_ms = self.leg_ms(heard.speech_end_ms)
