"""Sound on its way to the mouth: the first at once, what is far ahead together, and nothing lost at an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from parley.errors import VendorLost
from services.tts import gathering
from services.tts.contract import AudioChunk, WordTime
from services.tts.gathering import gathered
from testbed.patience import PATIENCE_S

PER_MS = 8
WORDS = [(WordTime(n, n + 1, n * 240, n * 240 + 200),) for n in range(20)]


def sound(number: int) -> AudioChunk:
    """240 ms and its word."""
    return AudioChunk(bytes([number]) * 240 * PER_MS, WORDS[number])


async def voice(
    count: int, every_s: float, closed: asyncio.Event, error: Exception | None = None
) -> AsyncGenerator[AudioChunk, None]:
    try:
        for n in range(count):
            yield sound(n)
            await asyncio.sleep(every_s)
        if error is not None:
            raise error
    finally:
        closed.set()


async def test_a_fast_voice_comes_in_fewer_messages_and_whole() -> None:
    begin = asyncio.get_running_loop().time()
    came = [
        (chunk, asyncio.get_running_loop().time() - begin)
        async for chunk in gathered(voice(12, 0.02, asyncio.Event()), PER_MS)
    ]
    assert b"".join(c.data for c, _ in came) == b"".join(sound(n).data for n in range(12))
    assert [w for c, _ in came for w in c.words] == [w for n in range(12) for w in sound(n).words]
    assert came[0][0] == sound(0)
    assert len(came) <= 8
    given_ms = 0.0
    for chunk, at in came:
        assert given_ms == 0 or given_ms > at * 1000, "what was held left no gap"
        given_ms += len(chunk.data) / PER_MS


async def test_a_slow_voice_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "HOLD_S", 60)
    async with asyncio.timeout(PATIENCE_S):
        came = [chunk async for chunk in gathered(voice(4, 0.2, asyncio.Event()), PER_MS)]
    assert came == [sound(n) for n in range(4)]


async def test_what_came_before_an_error_is_heard_before_it_is_told() -> None:
    came: list[AudioChunk] = []

    async def listen() -> None:
        async for chunk in gathered(voice(5, 0, asyncio.Event(), VendorLost("gone")), PER_MS):
            came.append(chunk)

    with pytest.raises(VendorLost, match="gone"):
        await listen()
    assert b"".join(c.data for c in came) == b"".join(sound(n).data for n in range(5))


async def test_a_voice_that_is_hushed_is_closed() -> None:
    closed = asyncio.Event()
    chunks = gathered(voice(20, 0.01, closed), PER_MS)
    await anext(chunks)
    await chunks.aclose()
    assert closed.is_set()
