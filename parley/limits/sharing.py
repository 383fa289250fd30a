"""Replicas of a service tell each other which addresses take much, so that who asks all of them gets no more.

Each decides by what it knows; nothing waits for an answer, and without NATS each counts for itself. Between two
tellings an address may get from each replica what one allows; what it got so is counted against it afterwards.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import structlog

from parley.bus import Bus
from parley.limits.open_sockets import OpenSockets
from parley.limits.table import Table

log = structlog.get_logger()

TELL_S = 0.5
ROWS = 256
"""Addresses of one limit in one message; the rest is told with the next."""
MAX_BYTES = 256 * 1024


def subject(service: str) -> str:
    return f"limits.{service}"


class Sharing:
    """The limits of one process. `listen` before the bus connects, `run` beside what it serves."""

    def __init__(
        self,
        service: str,
        tables: Iterable[Table],
        sockets: OpenSockets | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subject = subject(service)
        self._tables: Mapping[str, Table] = {table.name: table for table in tables}
        self._sockets = sockets
        self._now = now
        self.name = os.urandom(6).hex()

    def listen(self, bus: Bus) -> None:
        bus.subscribe(self._subject, self._receive)

    async def run(self, bus: Bus) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            await self.tell(bus)

    async def tell(self, bus: Bus) -> None:
        """One message, if there is anything that others should know."""
        taken = {name: rows for name, table in self._tables.items() if (rows := table.heavy(ROWS))}
        held = self._sockets.many(ROWS) if self._sockets is not None else []
        if taken or held:
            await bus.publish(self._subject, orjson.dumps({"from": self.name, "taken": taken, "open": held}))

    async def _receive(self, _: str, data: bytes, __: dict[str, str]) -> None:
        try:
            self.take(orjson.loads(data) if len(data) <= MAX_BYTES else None)
        except (ValueError, TypeError, AttributeError):
            log.warning("what a replica says of its limits cannot be read", bytes=len(data))

    def take(self, said: Any) -> None:
        """What another replica says. Raises ValueError, TypeError, AttributeError: it is not of that shape."""
        if said["from"] == self.name:
            return
        now = self._now()
        for name, rows in said["taken"].items():
            if (table := self._tables.get(name)) is not None:
                for address, cost in rows[:ROWS]:
                    table.charge(str(address), max(0.0, float(cost)), now)
        if self._sockets is not None:
            held = {str(address): int(count) for address, count in said["open"][:ROWS]}
            self._sockets.told(str(said["from"]), held, now)
