"""Sound that nobody waits for yet shares messages: each costs some 100 us of CPU on both sides together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from parley.aio import background, pump
from services.tts.contract import AudioChunk

AHEAD_MS = 500.0  # so much sound must be given that cannot have been played yet, before more of it waits
HOLD_S = 0.15  # and no longer than this
_QUEUE = 64  # chunks; a voice that is faster than its listener reads waits


async def gathered(chunks: AsyncGenerator[AudioChunk, None], bytes_per_ms: int) -> AsyncGenerator[AudioChunk, None]:
    """The same sound and words in the same order; raises what `chunks` raises, after the sound that came before."""
    queue: asyncio.Queue[AudioChunk | Exception | None] = asyncio.Queue(_QUEUE)
    loop = asyncio.get_running_loop()
    begun, given_ms = 0.0, 0.0
    async with background(pump(chunks, queue)):
        while True:
            items = [await queue.get()]
            if begun and given_ms - (loop.time() - begun) * 1000 > AHEAD_MS:
                await asyncio.sleep(HOLD_S)
            while not queue.empty():
                items.append(queue.get_nowait())
            if together := [item for item in items if isinstance(item, AudioChunk)]:
                chunk = _joined(together)
                begun = begun or loop.time()
                given_ms += len(chunk.data) / bytes_per_ms
                yield chunk
            if items[-1] is None:
                return
            if isinstance(items[-1], Exception):
                raise items[-1]


def _joined(chunks: list[AudioChunk]) -> AudioChunk:
    if len(chunks) == 1:
        return chunks[0]
    engine = next((chunk.engine for chunk in reversed(chunks) if chunk.engine), "")
    return AudioChunk(b"".join(c.data for c in chunks), tuple(word for c in chunks for word in c.words), engine)
