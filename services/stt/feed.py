"""The audio on its way to a recogniser, kept until its words are final, so that another can take over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from prometheus_client import Counter

from parley.audio import AudioFormat
from services.stt.contract import Edge, Endpointing, Flush
from services.stt.readers import DrivenReader, Edges, Item, PlainReader, Reader

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
        self._edges = Edges(offset_ms)
        self._reader: PlainReader | DrivenReader | None = None
        self._wake = asyncio.Event()
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
            self._wake.set()
        if self._end - self._start > KEPT_MS * self._rate:
            first = self._kept.popleft()
            self._start += len(first)
            LOST.inc(len(first) // self._rate)
            self._edges.forget(self._start // self._rate)

    @property
    def full(self) -> bool:
        return self._reader is not None and self._reader.size > FULL_MS * self._rate

    async def room(self) -> None:
        """Waits until the recogniser has taken some: the sender is then held back by the stream's flow control."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def flush(self) -> None:
        self._tell(Flush.FLUSH)

    def voice(self) -> None:
        """Somebody speaks."""
        self._tell(Flush.VOICE)

    def configure(self, wish: Endpointing) -> None:
        """Other answers are expected from here on."""
        if isinstance(self._reader, DrivenReader):
            self._reader.push(wish)
            self._wake.set()

    def listened(self, now_ms: int, edge: Edge | None) -> None:
        """The VAD has come this far, and found this."""
        self._edges.add(now_ms, edge)
        if isinstance(self._reader, DrivenReader):
            self._reader.listened(now_ms, edge)
            self._wake.set()

    def _tell(self, item: bytes | Flush) -> None:
        if self._reader is not None:
            self._reader.push(item)
            self._wake.set()

    def close(self) -> None:
        """No more audio will come."""
        self.ended = True
        self._wake.set()

    def settle(self, ms: int) -> None:
        """Words up to here are final: their audio is not needed again."""
        position = min(ms * self._rate, self._end)
        while self._kept and self._start + len(self._kept[0]) <= position:
            self._start += len(self._kept.popleft())
        if self._kept and position > self._start:
            self._kept[0] = self._kept[0][position - self._start :]
            self._start = position
        self._edges.forget(self._start // self._rate)

    def open(self) -> tuple[int, AsyncIterator[bytes | Flush]]:
        """Leg time of the first byte, and the audio from there to the end of the call."""
        self._reader = PlainReader(self._kept)
        return self._start // self._rate, self._read(self._reader)

    def open_driven(self) -> tuple[int, AsyncIterator[bytes | Flush | Edge | Endpointing]]:
        """The same for a recogniser that our VAD drives."""
        self._reader = DrivenReader(self._kept, self._start, self._rate, self._edges)
        return self._start // self._rate, self._read(self._reader)

    async def _read(self, reader: Reader[Item]) -> AsyncIterator[Item]:
        while True:
            while reader.waiting:
                yield reader.pop()
                self._room.set()
            if self.ended and not reader.owes:
                return
            self._wake.clear()
            await self._wake.wait()
