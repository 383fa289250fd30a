"""Follows the stream of events and has it kept, for ever."""

from __future__ import annotations

import asyncio
import os
from secrets import token_hex

import structlog
from prometheus_client import Gauge

from parley.bus import Bus
from parley.bus.streams.reading import Reader
from parley.errors import ParleyError
from parley.process.log_limit import Seldom
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import LEASE_S, Lease, Position

log = structlog.get_logger()

BATCH = 256
"""Records in one transaction. A record has at most 256 KiB, most have 1 or 2."""
AGAIN_S = 1.0
NAME = "records"
BEHIND = Gauge("voice_records_behind", "Event records that NATS has and this replica, who keeps them, has not read yet")
READING = Gauge("voice_records_reading", "1 while this replica is the one that reads the events")


def this_process() -> str:
    return f"{os.getpid()}-{token_hex(6)}"


class Consumer:
    """`run` for ever; another replica does the work while it holds the lease."""

    def __init__(self, bus: Bus, keeper: Keeper, lease: Lease, lease_s: float = LEASE_S) -> None:
        self._bus, self._keeper, self._lease = bus, keeper, lease
        self._lease_s = lease_s
        self._trouble = Seldom(patience_s=10.0)

    async def run(self) -> None:
        try:
            while True:
                try:
                    position = await self._lease.take()
                    if position is None:
                        await asyncio.sleep(self._lease_s / 3)
                        continue
                    await self._read(position)
                except ParleyError as e:
                    self._trouble.warning("event records wait", error=str(e))
                    await asyncio.sleep(AGAIN_S)
                except Exception as e:  # whatever it is: all that comes after it waits as well
                    log.error("event records wait", error=type(e).__name__, exc_info=e)
                    await asyncio.sleep(self._lease_s)
                finally:
                    READING.set(0)
        finally:
            await self._give_up()

    async def position(self) -> int:
        """Up to which number of the stream all is kept, by whichever replica. Raises Unavailable."""
        return await self._lease.position()

    async def _read(self, position: Position) -> None:
        """From where the last one stopped; ends with an error, and then begins anew at what was kept."""
        self._keeper.calls.clear()
        reader = await Reader.open(self._bus, position.seq, position.stream)
        READING.set(1)
        BEHIND.set(reader.behind)
        try:
            while True:
                batch = await reader.next(BATCH, self._lease_s / 3)
                if batch:
                    await self._keeper.keep(batch, reader.stream)
                    self._trouble.over()
                else:
                    await self._lease.renew()
                BEHIND.set(reader.behind)
        finally:
            await reader.close()

    async def _give_up(self) -> None:
        try:
            async with asyncio.timeout(2.0):
                await asyncio.shield(self._lease.give_up())
        except (ParleyError, TimeoutError):
            return
