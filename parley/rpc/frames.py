"""Both ends of a trunk share this: frames leave together, and no side sends more than the other has room for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from parley.v1 import trunk_pb2

WINDOW = 256 * 1024
"""Bytes of messages a call may have under way in one direction."""
CREDIT_AT = WINDOW // 4
_BATCH_BYTES = 1 << 20

Frame = trunk_pb2.TrunkFrame


class Gatherer:
    """Frames of all calls of one trunk, sent in as few messages as there is time for.

    A frame that comes after a pause of `gather_ms` leaves at once; those that follow wait until the pause has passed,
    or until the message before them is written.
    """

    def __init__(self, gather_ms: float) -> None:
        self._gather_s = gather_ms / 1000
        self._frames: list[Frame] = []
        self._more = asyncio.Event()
        self._ended = False

    def put(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._more.set()

    def end(self) -> None:
        """No more frames will be sent."""
        self._ended = True
        self._more.set()

    async def messages(self) -> AsyncGenerator[trunk_pb2.TrunkFrames, None]:
        """What is to be written next, until `end`."""
        loop = asyncio.get_running_loop()
        sent_at = 0.0
        while not self._ended:
            await self._more.wait()
            if (wait := sent_at + self._gather_s - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._more.clear()
            sent_at = loop.time()
            frames, self._frames = self._frames, []
            for batch in _batches(frames):
                yield trunk_pb2.TrunkFrames(frames=batch)


def _batches(frames: list[Frame]) -> Iterator[list[Frame]]:
    """Runs of frames of at most 1 MiB together; a larger frame goes alone."""
    first = size = 0
    for n, frame in enumerate(frames):
        size += len(frame.message)
        if size > _BATCH_BYTES and n > first:
            yield frames[first:n]
            first, size = n, len(frame.message)
    if first < len(frames):
        yield frames[first:]


class Credit:
    """What may still be sent in one direction of a call. `take` waits for room."""

    def __init__(self) -> None:
        self._left = WINDOW
        self._room = asyncio.Event()
        self._room.set()

    async def take(self, size: int) -> None:
        """Room for `size` bytes; the last message may overdraw it, so that none is ever too large."""
        while self._left <= 0:
            self._room.clear()
            await self._room.wait()
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size
        if self._left > 0:
            self._room.set()

    def release(self) -> None:
        """The call is over: nobody waits any more."""
        self.give(WINDOW * 1024)


class Inbox:
    """Messages of one direction of a call, as they came; reading gives credit back. Bounded by the credit."""

    def __init__(self, call: int, out: Gatherer) -> None:
        self._call = call
        self._out = out
        self._messages: list[bytes] = []
        self._next = 0
        self._arrived = asyncio.Event()
        self._owed = 0
        self.ended = False

    def put(self, message: bytes) -> None:
        self._messages.append(message)
        self._arrived.set()

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._arrived.set()

    async def get(self) -> bytes | None:
        """The next message; None at the end."""
        while self._next >= len(self._messages):
            if self.ended:
                return None
            self._messages.clear()
            self._next = 0
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages[self._next]
        self._next += 1
        self._owed += len(message)
        if self._owed >= CREDIT_AT:
            self._out.put(Frame(call=self._call, credit=self._owed))
            self._owed = 0
        return message
