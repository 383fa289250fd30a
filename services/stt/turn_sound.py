"""The sound of the turn under way, for the model that judges it; and when it is asked."""

from __future__ import annotations

import asyncio
from typing import Protocol

from parley.audio import AudioFormat

KEPT_MS = 8000
BEFORE_MS = 300
"""Of sound before the VAD's onset that belongs to the turn."""


class Judge(Protocol):
    """How likely a turn that sounds like this is over, 0..1; None: not known in time."""

    async def opinion(self, audio: bytes, format_: AudioFormat) -> float | None: ...


class TurnSound:
    """Keeps the last 8 s. A silence asks for one opinion; a newer one takes its place."""

    def __init__(self, format_: AudioFormat, offset_ms: int) -> None:
        self._format = format_
        self._rate = format_.bytes_per_ms
        self._kept = bytearray()
        self._end = offset_ms * self._rate
        self._from_ms: int | None = None
        self._asked_ms: int | None = None
        self._asked = asyncio.Event()

    def push(self, audio: bytes) -> None:
        self._kept += audio
        self._end += len(audio)
        if len(self._kept) > 2 * KEPT_MS * self._rate:
            del self._kept[: -KEPT_MS * self._rate]

    def begins(self, at_ms: int) -> None:
        """Voice; the first since the last turn begins the turn."""
        self._asked_ms = None
        if self._from_ms is None:
            self._from_ms = at_ms - BEFORE_MS

    def falls_silent(self, at_ms: int) -> None:
        self._asked_ms = at_ms
        self._asked.set()

    def over(self) -> None:
        """The turn has ended."""
        self._from_ms = self._asked_ms = None

    async def asked(self) -> tuple[int, bytes]:
        """Waits for a silence: where it began, and the turn up to now."""
        while self._asked_ms is None:
            self._asked.clear()
            await self._asked.wait()
        at_ms, self._asked_ms = self._asked_ms, None
        begin = max(self._end - KEPT_MS * self._rate, (self._from_ms or 0) * self._rate)
        length = min(len(self._kept), max(0, self._end - begin))
        return at_ms, bytes(self._kept[len(self._kept) - length :])
