"""NATS with the users of a run, an operator who changes settings, and services that have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from parley.bus import Bus, configuring, presence
from parley.bus.outages import make_bucket as make_outages
from parley.bus.presence import ProcessState
from parley.bus.publishing import make_buckets
from parley.configuration.history import Revision
from parley.configuration.sealing import Seals
from parley.errors import Unavailable
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server

KEY = "a key of the configuration for tests only"


class Operator:
    """Changes the configuration, and looks at what becomes of it."""

    def __init__(self, nats: Natsd, bus: Bus) -> None:
        self.nats = nats
        self.bus = bus

    async def set(self, **changes: str | None) -> Revision:
        seals = Seals(KEY)
        while True:
            with suppress(Unavailable):  # a request that took longer than a second; nothing was written
                return await configuring.change(self.bus, lambda now: now.set(changes, seals, "ada", 1.0))

    async def told(self, service: str, holds: Callable[[ProcessState], Any]) -> ProcessState:
        """What a process of a service tells of itself, once that holds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(Unavailable):  # a request that took longer than a second
                    for process in await presence.processes(self.bus):
                        if process.service == service and holds(process):
                            return process
                await asyncio.sleep(0.02)

    async def taken(self, service: str, changed: Revision) -> ProcessState:
        return await self.told(service, lambda process: process.revision >= changed.revision)


@asynccontextmanager
async def operated(tmp_path: Path) -> AsyncIterator[Operator]:
    async with nats_server(tmp_path) as nats, Bus(Settings.read(nats_url=nats.url), "test") as bus:
        assert await bus.ready(PATIENCE_S)
        for make in (configuring.make_bucket, presence.make_bucket, make_outages, make_buckets):
            await make(bus, 1)
        yield Operator(nats, bus)


@asynccontextmanager
async def serving(name: str, wire: Any, settings: Settings) -> AsyncIterator[Peers]:
    """A service as its process wires it."""
    server = Server(name, "127.0.0.1:0", Admission(settings.capacity))
    close = await wire(server, settings)
    await server.start()
    try:
        async with Peers(name, [f"127.0.0.1:{server.port}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            yield peers
    finally:
        await server.drain(0)
        await close()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
