"""The caller's audio since the last final, kept to be heard again by another recogniser. Pure; leg time in ms.

`lead`: the second of sound before that final, which is not recognised again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from parley.audio import AudioFormat

MAX_MS = 60_000
IDLE_MS = 8_000
"""With nothing said since the last turn, only the last moments are kept: more than arrives at once from a carrier to
which this process, or the network, was silent for a while. Nobody has listened to that yet."""
LEAD_MS = 1_000
"""Of the sound before the last final: voice detection that begins without any speech misses soft words."""
_REPLAY_MS = 100


class Backlog:
    """Audio messages with their place in leg time. Bounded: the oldest is let go of, and `dropped_ms` says so."""

    def __init__(self, sound: AudioFormat) -> None:
        self._per_ms = sound.bytes_per_ms
        self._kept: deque[bytes] = deque()
        self._start = 0
        self._size = 0
        self.dropped_ms = 0
        self.lead = b""
        self._led = 0

    @property
    def start_ms(self) -> int:
        return self._start // self._per_ms

    @property
    def end_ms(self) -> int:
        """Everything up to here was put in."""
        return (self._start + self._size) // self._per_ms

    def put(self, audio: bytes, in_speech: bool) -> None:
        self._kept.append(audio)
        self._size += len(audio)
        limit = MAX_MS if in_speech else IDLE_MS
        while self._size > limit * self._per_ms:
            gone = self._pop()
            if in_speech:
                self.dropped_ms += gone // self._per_ms

    def settle(self, until_ms: int) -> None:
        """Words up to here are final: whole messages before it are not needed again, but for the `lead`."""
        until = until_ms * self._per_ms
        place, fresh = self._start, [self.lead]
        for audio in self._kept:
            if place >= until:
                break
            fresh.append(audio[max(0, self._led - place) : until - place])
            place += len(audio)
        self.lead = b"".join(fresh)[-LEAD_MS * self._per_ms :]
        self._led = max(self._led, until)
        while self._kept and self._start + len(self._kept[0]) <= until:
            self._pop()

    def since(self, offset_ms: int) -> Iterator[bytes]:
        """The kept audio from here on, in messages of at most 100 ms, whole frames."""
        skip = max(0, offset_ms * self._per_ms - self._start)
        audio = b"".join(self._kept)[skip:]
        step = _REPLAY_MS * self._per_ms
        for place in range(0, len(audio), step):
            yield audio[place : place + step]

    def _pop(self) -> int:
        gone = len(self._kept.popleft())
        self._start += gone
        self._size -= gone
        return gone
