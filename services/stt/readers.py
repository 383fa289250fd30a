"""The audio as a recogniser reads it: as it comes, or, for one that our VAD drives, with the VAD's edges in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from services.stt.contract import Edge, Endpointing, Flush, Lull, SpeechStarted
from services.stt.silero import WINDOW_MS

Item = TypeVar("Item", bound=bytes | Flush | Edge | Endpointing)


class Reader(Generic[Item]):
    """`waiting`: what has not been read; `size`: bytes of audio that have not."""

    def __init__(self, size: int) -> None:
        self.waiting: deque[Item] = deque()
        self.size = size

    @property
    def owes(self) -> bool:
        """More comes though no more audio does."""
        return False

    def pop(self) -> Item:
        item = self.waiting.popleft()
        if isinstance(item, bytes):
            self.size -= len(item)
        return item


class PlainReader(Reader[bytes | Flush]):
    def __init__(self, kept: Iterable[bytes]) -> None:
        super().__init__(sum(map(len, kept)))
        self.waiting.extend(kept)

    def push(self, item: bytes | Flush) -> None:
        self.waiting.append(item)
        if isinstance(item, bytes):
            self.size += len(item)


class Edges:
    """What the VAD has told of the audio that is kept, so that another recogniser can hear it again."""

    def __init__(self, offset_ms: int) -> None:
        self._told: deque[tuple[int, Edge]] = deque()
        self._speaking = False  # where the kept audio begins
        self._listened_ms = offset_ms

    def add(self, now_ms: int, edge: Edge | None) -> None:
        self._listened_ms = now_ms
        if edge is not None:
            self._told.append((now_ms, edge))

    def forget(self, before_ms: int) -> None:
        """The audio before is not kept any more."""
        while self._told and self._told[0][0] <= before_ms:
            edge = self._told.popleft()[1]
            if not isinstance(edge, Lull):
                self._speaking = isinstance(edge, SpeechStarted)

    def again(self, start_ms: int) -> Iterator[tuple[int, Edge | None]]:
        """All of it, for audio that begins here."""
        if self._speaking:
            yield start_ms, SpeechStarted(start_ms)
        yield from self._told
        yield self._listened_ms, None


class DrivenReader(Reader[bytes | Flush | Edge | Endpointing]):
    """Gives audio no further than the VAD has listened, and its edges in their places: the same sound gives the same
    stream, however late the VAD's thread is. Positions are bytes of leg time.
    """

    def __init__(self, kept: Iterable[bytes], start: int, rate: int, edges: Edges) -> None:
        self._held = bytearray(b"".join(kept))
        super().__init__(len(self._held))
        self._at = self._listened = start
        self._rate = rate
        self._asked_at: int | None = None
        for at_ms, edge in edges.again(start // rate):
            self.listened(at_ms, edge)

    def push(self, item: bytes | Flush | Endpointing) -> None:
        if isinstance(item, bytes):
            self._held += item
            self.size += len(item)
        elif isinstance(item, Endpointing):
            self.waiting.append(item)
        elif item is Flush.FLUSH:
            self._asked_at = self._end
            self._ask()

    def listened(self, now_ms: int, edge: Edge | None) -> None:
        """The VAD has come this far, and found this."""
        self._listened = max(self._listened, now_ms * self._rate)
        self._release(self._listened)
        if edge is not None:
            self.waiting.append(edge)
        self._ask()

    @property
    def owes(self) -> bool:
        """The VAD has not listened to all of it yet. What is less than a window it never will."""
        return self._end - self._listened >= WINDOW_MS * self._rate

    @property
    def _end(self) -> int:
        return self._at + len(self._held)

    def _ask(self) -> None:
        """A Flush stands behind the audio that had come before it, with the edges in that."""
        if self._asked_at is not None and self._asked_at - self._listened < WINDOW_MS * self._rate:
            self._release(self._asked_at)
            self.waiting.append(Flush.FLUSH)
            self._asked_at = None

    def _release(self, position: int) -> None:
        if (size := min(position - self._at, len(self._held))) > 0:
            self.waiting.append(bytes(self._held[:size]))
            del self._held[:size]
            self._at += size
