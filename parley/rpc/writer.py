"""What one stream is told while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from parley.errors import ParleyError
from parley.rpc.stream import CallStream


class Writer:
    """An outbox: `post` never waits. Run it as `background(writer.run())` around the reading.

    The end of a stream ends both; an error of the writer's own ends the stream, so that the reader does not wait for
    ever, and `background` raises it.
    """

    def __init__(self, stream: CallStream, first: Iterable[Any] = ()) -> None:
        self.stream = stream
        self._first = first
        self._outbox: list[Any] = []
        self._more = asyncio.Event()
        self._ending = False

    def __len__(self) -> int:
        """How many wait. Those of `first` do not count."""
        return len(self._outbox)

    def post(self, message: Any) -> None:
        self._outbox.append(message)
        self._more.set()

    def end(self) -> None:
        """No more will be posted: half-close behind the last."""
        self._ending = True
        self._more.set()

    def take(self) -> list[Any]:
        """What waits."""
        taken, self._outbox = self._outbox, []
        return taken

    async def run(self) -> None:
        try:
            await self._write()
        except ParleyError:  # the stream has ended, and reading says why
            raise
        except Exception:
            self.stream.cancel()
            raise

    async def _write(self) -> None:
        for message in self._first:
            await self.stream.write(message)
        while True:
            self._more.clear()
            while taken := self.take():
                for message in taken:
                    await self.stream.write(message)
            if self._ending:
                await self.stream.done_writing()
                return
            await self._more.wait()
