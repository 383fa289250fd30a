"""Looking at what is written to a KV bucket: hearing of it is the reason to look, and never the news itself.

NATS tells of a write before all its nodes have it, and a message may be lost; so it is looked at 50 ms and 1 s after
one was heard of, when the connection comes back, and every 15 s whatever was heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from parley.aio import background
from parley.bus.connection import Bus

log = structlog.get_logger()

LOOK_S = 15.0
AWAY_S = 1.0
"""Between two looks while the last one failed."""
AFTER_S = (0.05, 1.0)
FIRST_S = 3.0
"""At a start, for the first look; then the process begins with what it knew last."""

Look = Callable[[], Awaitable[bool]]
"""Whether it could be looked at. Must not raise."""


class Looking:
    """Of one process; make it before the bus connects."""

    def __init__(self, bus: Bus, subject: str, look: Look) -> None:
        self._bus = bus
        self._do_look = look
        self._due = asyncio.Event()
        self._tried = asyncio.Event()
        bus.subscribe(subject, self._heard)
        bus.on_connect(self._connected)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """It is looked at while the body runs, and was once before, if NATS is there. The bus is entered already."""
        async with background(self._run()):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_S):
                    await self._tried.wait()
            yield

    def now(self) -> None:
        """Look as soon as can be."""
        self._due.set()

    async def _run(self) -> None:
        await self._bus.tried(FIRST_S)
        while True:
            self._due.clear()
            looked = False
            try:
                looked = await self._do_look()
            except Exception as e:  # without it nothing new would be known for ever
                log.error("looking at what is written failed", exc_info=e)
            self._tried.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if looked else AWAY_S):
                    await self._due.wait()

    async def _connected(self, bus: Bus) -> None:
        self._due.set()

    async def _heard(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        for after_s in AFTER_S:
            asyncio.get_running_loop().call_later(after_s, self._due.set)
