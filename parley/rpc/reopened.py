"""A stream that is opened again, elsewhere, when it is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter

from parley.errors import ParleyError
from parley.rpc.reopening import REFUSED, Reopening, Rules
from parley.rpc.stream import CallStream

__all__ = ["REFUSED", "Reopened", "Rules"]
log = structlog.get_logger()

REOPENED = Counter("voice_streams_reopened_total", "Streams to a service opened again elsewhere", ["peer"])

Open = Callable[[Collection[str]], Awaitable[CallStream]]


class Reopened:
    """`while True: async with streams.next() as stream: ...`, until the body is left otherwise than by a ParleyError.

    `open_` gets the addresses to avoid. `trouble` is told when rules that persist give up; others raise what ended the
    last stream. `who` is for the log.
    """

    def __init__(
        self,
        service: str,
        open_: Open,
        rules: Rules,
        trouble: Callable[[ParleyError], None] | None = None,
        **who: str | int,
    ) -> None:
        self._service = service
        self._open = open_
        self._trouble = trouble
        self._rule = Reopening(rules, time.monotonic())
        self._log = log.bind(peer=service, **who)
        self._pause_s: float | None = 0.0
        self._otherwise = asyncio.Event()
        self._lost_one = False

    @asynccontextmanager
    async def next(self, owed: Callable[[], bool] = lambda: False) -> AsyncIterator[CallStream]:
        """The next stream, as soon as somebody takes it. `owed`: was something waited for that did not come?"""
        stream = await self._taken()
        try:
            yield stream
        except ParleyError as error:
            self._lost_one = True
            if self._gives_up(error, stream.peer.address, owed()):
                raise
        finally:
            stream.cancel()

    def proven(self) -> None:
        """This stream brought what it was opened for."""
        self._rule.proven()

    def moved(self) -> None:
        """All is well at this moment: from here on the time without a good stream counts."""
        self._rule.moved(time.monotonic())

    def otherwise(self) -> None:
        """Something else is asked from now on: what was refused is worth asking again."""
        self._rule.changed()
        self._otherwise.set()

    async def _taken(self) -> CallStream:
        while True:
            if self._pause_s is None:
                await self._otherwise.wait()
            elif self._pause_s:
                await asyncio.sleep(self._pause_s)
            self._otherwise.clear()
            try:
                stream = await self._open(self._rule.avoid)
            except ParleyError as error:
                if self._gives_up(error, None):
                    raise
            else:
                self._rule.opened(time.monotonic())
                if self._lost_one:
                    self._lost_one = False
                    REOPENED.labels(self._service).inc()
                return stream

    def _gives_up(self, error: ParleyError, address: str | None, owed: bool = False) -> bool:
        """True: for good, and whoever uses the streams is to know."""
        then = self._rule.ended(error, address, time.monotonic(), owed)
        self._pause_s = then.pause_s
        self._log.warning("stream lost", address=address, error=str(error), gives_up=then.gives_up)
        if then.gives_up and self._trouble is not None:
            self._trouble(error)
        return then.gives_up and self._trouble is None
