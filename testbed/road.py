"""A network that a test may break: a TCP proxy before one service, or before several: the first that listens is taken.

async with road(("127.0.0.1", 8080)) as way:
    way.port             # to be called instead
    way.cut()            # every connection is reset, new ones are refused with a reset
    way.stall()          # nothing arrives any more, and nobody is told
    way.mend()           # from now on all is well; what was stalled arrives late
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parley.aio import background

Address = tuple[str, int]


class Road:
    """Made by `road`."""

    def __init__(self, *targets: Address) -> None:
        self.targets = list(targets)
        self.port = 0
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        self._refusing = True
        for writer in list(self._open):
            writer.transport.abort()

    def stall(self) -> None:
        self._flowing.clear()

    def mend(self) -> None:
        self._refusing = False
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        ends = [writer]
        self._open.add(writer)
        try:
            await self._flowing.wait()
            if self._refusing:
                return
            there, onward = await self._reached()
            ends.append(onward)
            self._open.add(onward)
            async with background(self._carry(there, writer)) as (back,):
                await self._carry(reader, onward)
                await asyncio.wait({back}, timeout=1.0)
        except OSError:
            pass
        finally:
            for end in ends:
                self._open.discard(end)
                end.transport.abort()

    async def _reached(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for host, port in self.targets:
            try:
                return await asyncio.open_connection(host, port)
            except OSError:
                continue
        raise ConnectionRefusedError

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
            sink.write_eof()
        except OSError:
            sink.transport.abort()


@asynccontextmanager
async def road(*targets: Address) -> AsyncIterator[Road]:
    way = Road(*targets)
    server = await asyncio.start_server(way._serve, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        server.close()
        way._flowing.set()
        way.cut()
        await asyncio.sleep(0)
