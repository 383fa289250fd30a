"""The audio on its way to a recogniser, kept until its words are final, so that another can take over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from prometheus_client import Counter

from parley.audio import AudioFormat
from services.stt.contract import Flush

KEPT_MS = 60_000
FULL_MS = 60_000

LOST = Counter("voice_stt_unkept_audio_ms_total", "Audio without a final, too old to be told to the next recogniser")


class Feed:
    """One call's audio. `open` starts a reader at the oldest audio whose words are not final; one reads at a time."""

    def __init__(self, audio: AudioFormat, offset_ms: int) -> None:
        self._audio = audio
        self._rate = audio.bytes_per_ms
        self._kept: deque[bytes] = deque()
        self._start = offset_ms * self._rate  # byte position of the first kept byte in leg time
        self._end = self._start
        self._reader: _Reader | None = None
        self._room = asyncio.Event()
        self.ended = False

    @property
    def end_ms(self) -> int:
        """Leg time up to which audio has come."""
        return self._end // self._rate

    def push(self, data: bytes) -> None:
        self._kept.append(data)
        self._end += len(data)
        if self._reader is not None:
            self._reader.push(data)
        if self._end - self._start > KEPT_MS * self._rate:
            first = self._kept.popleft()
            self._start += len(first)
            LOST.inc(len(first) // self._rate)

    @property
    def full(self) -> bool:
        return self._reader is not None and self._reader.size > FULL_MS * self._rate

    async def room(self) -> None:
        """Waits until the recogniser has taken some: the sender is then held back by the stream's flow control."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def flush(self) -> None:
        if self._reader is not None:
            self._reader.push(Flush.FLUSH)

    def voice(self) -> None:
        """Somebody speaks."""
        if self._reader is not None:
            self._reader.push(Flush.VOICE)

    def close(self) -> None:
        """No more audio will come."""
        self.ended = True
        if self._reader is not None:
            self._reader.wake.set()

    def settle(self, ms: int) -> None:
        """Words up to here are final: their audio is not needed again."""
        position = min(ms * self._rate, self._end)
        while self._kept and self._start + len(self._kept[0]) <= position:
            self._start += len(self._kept.popleft())
        if self._kept and position > self._start:
            self._kept[0] = self._kept[0][position - self._start :]
            self._start = position

    def open(self) -> tuple[int, AsyncIterator[bytes | Flush]]:
        """Leg time of the first byte, and the audio from there to the end of the call."""
        self._reader = _Reader(self._kept)
        return self._start // self._rate, self._read(self._reader)

    async def _read(self, reader: _Reader) -> AsyncIterator[bytes | Flush]:
        while True:
            while reader.waiting:
                yield reader.pop()
                self._room.set()
            if self.ended:
                return
            reader.wake.clear()
            await reader.wake.wait()


class _Reader:
    def __init__(self, kept: deque[bytes]) -> None:
        self.waiting: deque[bytes | Flush] = deque(kept)
        self.size = sum(map(len, kept))
        self.wake = asyncio.Event()

    def push(self, item: bytes | Flush) -> None:
        self.waiting.append(item)
        if isinstance(item, bytes):
            self.size += len(item)
        self.wake.set()

    def pop(self) -> bytes | Flush:
        item = self.waiting.popleft()
        if isinstance(item, bytes):
            self.size -= len(item)
        return item
