"""One text on its way to audio inside a voice socket: what waits, what is being spoken, and at which pace."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from testbed.vendors.elevenlabs.speech import TextBuffer, speak

Send = Callable[[dict[str, Any]], None]
_QUEUED = 1000


class Context:
    """Speaks what its buffer releases, in order, chunk by chunk. `send` gets each message as the vendor would send it.

    Chunks leave `ttfb_ms` after the text was released, then at `speed` times real time (0: at once).
    """

    def __init__(
        self,
        send: Send,
        buffer: TextBuffer,
        *,
        output_format: str,
        aligned: bool,
        ttfb_ms: float,
        speed: float,
        chunk_ms: float,
    ) -> None:
        self._send, self.buffer = send, buffer
        self._format, self._aligned = output_format, aligned
        self._ttfb_s, self._speed, self._chunk_ms = ttfb_ms / 1000, speed, chunk_ms
        self._queue: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue(maxsize=_QUEUED)
        self.last_input = time.monotonic()
        self.spoken: list[str] = []
        """The texts that became audio, or will."""

    def take(self, text: str, *, flush: bool = False, trigger: bool = False) -> None:
        """A text message. More than 1000 unspoken generations raise QueueFull."""
        self.last_input = time.monotonic()
        self._speak(self.buffer.add(text, flush=flush, trigger=trigger))

    def end(self, *, flush: bool) -> None:
        """No more text: what waits is spoken (flush) or dropped, then `run` returns."""
        if flush:
            self._speak(self.buffer.drain())
        self._queue.put_nowait(None)

    def _speak(self, text: str | None) -> None:
        if text is not None:
            self.spoken.append(text)
            self._queue.put_nowait((time.monotonic(), text))

    async def run(self) -> None:
        """Speaks until `end`, then says isFinal."""
        free_at = 0.0
        while (item := await self._queue.get()) is not None:
            released, text = item
            due = max(released + self._ttfb_s, free_at)
            for chunk in speak(text, self._format, self._chunk_ms):
                wait = due - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                self._send(chunk.message(self._aligned))
                due += chunk.duration_ms / 1000 / self._speed if self._speed else 0.0
            free_at = due
        self._send({"audio": None, "isFinal": True, "alignment": None, "normalizedAlignment": None})
