"""Which replica reads the stream of events, and how far it was read.

One at a time: the others stand by, and one of them goes on `LEASE_S` after the reader was heard of last. What a reader
keeps it keeps together with the number it has come to, in one transaction, and only while the lease is its own: one
that stood still for long, and does not know that another reads now, writes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Superseded
from services.backoffice.database import Database
from services.backoffice.records.tables import positions

LEASE_S = 15.0


@dataclass(frozen=True)
class Position:
    """Up to which number the stream was read, and which stream that was."""

    seq: int
    stream: str


class Lease:
    """`holder`: this process."""

    def __init__(self, database: Database, name: str, holder: str, lease_s: float = LEASE_S) -> None:
        self._database, self._name, self._holder, self._lease_s = database, name, holder, lease_s

    async def take(self) -> Position | None:
        """Where to go on, if nobody else reads now. Raises Unavailable."""
        async with self._database.transaction() as connection:
            first = {"name": self._name, "holder": "", "until": 0.0, "seq": 0, "stream": ""}
            await connection.execute(self._database.insert(positions).values(first).on_conflict_do_nothing())
            free = or_(positions.c.holder == self._holder, positions.c.until < self._now())
            if not self._database.shared:
                free = positions.c.name == self._name  # SQLite: whoever had it is no more
            taken = update(positions).where(and_(positions.c.name == self._name, free))
            done = await connection.execute(taken.values(holder=self._holder, until=self._now() + self._lease_s))
            if done.rowcount != 1:
                return None
            row = (await connection.execute(select(positions).where(positions.c.name == self._name))).one()
            return Position(row.seq, row.stream)

    async def position(self) -> int:
        """How far it was read, whoever reads. Raises Unavailable."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(positions.c.seq).where(positions.c.name == self._name))
            return int(found.scalar() or 0)

    async def hold(self, connection: AsyncConnection, position: Position | None = None) -> None:
        """In a transaction: the lease is still ours, and goes on; with `position` it was read up to there. Raises
        Superseded."""
        values: dict[str, Any] = {"until": self._now() + self._lease_s}
        if position is not None:
            values |= {"seq": position.seq, "stream": position.stream}
        ours = and_(positions.c.name == self._name, positions.c.holder == self._holder)
        if (await connection.execute(update(positions).where(ours).values(values))).rowcount != 1:
            raise Superseded(f"another replica reads {self._name} now")

    async def renew(self) -> None:
        """Nothing came. Raises Superseded, Unavailable."""
        async with self._database.transaction() as connection:
            await self.hold(connection)

    async def give_up(self) -> None:
        """Another may go on at once. Raises Unavailable."""
        async with self._database.transaction() as connection:
            ours = and_(positions.c.name == self._name, positions.c.holder == self._holder)
            await connection.execute(update(positions).where(ours).values(until=0.0))

    def _now(self) -> Any:
        """By the clock that all replicas share."""
        return func.extract("epoch", func.clock_timestamp()) if self._database.shared else time.time()
