"""Where the records are kept: one writer of an agent's records at a time, on all replicas."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Unavailable
from services.tools.database import Database

LOCK_S = 4.0
"""The time to wait for an agent's other writers."""
IDLE_S = 15.0
"""PostgreSQL ends the transaction of a replica that stands still after this, and another may write."""
HELD = 4
"""Connections that transactions of one replica may hold at once."""
_SPACE = 7_236_842  # of two-part advisory locks: whoever has one of these writes an agent's records


class RecordsBusy(Unavailable):
    """Somebody else writes the agent's records, and does not end."""


class RecordStore:
    """The records of all agents."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._writers: dict[str, asyncio.Lock] = {}
        self._held = asyncio.Semaphore(HELD)

    @asynccontextmanager
    async def alone(self, agent: str) -> AsyncIterator[Session]:
        """Be the only writer of the agent's records; what is written is committed by `Session.write`, or not at all.

        Raises RecordsBusy: others were at it for LOCK_S; Unavailable: the database is away.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(LOCK_S):
                    await stack.enter_async_context(self._writers.setdefault(agent, asyncio.Lock()))
                    if self.database.shared:
                        await stack.enter_async_context(self._held)
            except TimeoutError:
                raise _busy(agent) from None
            connection = None
            if self.database.shared:
                connection = await stack.enter_async_context(self.database.held())
                await _lock(self.database, connection, agent)
            yield Session(self.database, connection)


class Session:
    """What a transaction reads and writes by. PostgreSQL: one transaction that holds the lock. SQLite: its one
    connection that writes is the ledger's too, so it is taken for the writing only; the lock is in this process.
    """

    def __init__(self, database: Database, connection: AsyncConnection | None) -> None:
        self._database = database
        self._connection = connection
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        if self._connection is None:
            async with self._database.reading() as connection:
                yield connection
            return
        async with self._turn:
            with self._database.translated():
                yield self._connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Committed when the body ends."""
        if self._connection is None:
            async with self._database.transaction() as connection:
                yield connection
            return
        async with self.reading() as connection:
            yield connection
            with self._database.translated():
                await connection.commit()


async def _lock(database: Database, connection: AsyncConnection, agent: str) -> None:
    number = int.from_bytes(hashlib.sha256(agent.encode()).digest()[:4], signed=True)
    try:
        with database.translated():
            await connection.execute(text(f"SET LOCAL lock_timeout = {int(LOCK_S * 1000)}"))
            await connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {int(IDLE_S * 1000)}"))
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_SPACE}, {number})"))
    except Unavailable as e:
        cause = e.__cause__
        if isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", "") == "55P03":
            raise _busy(agent) from None
        raise


def _busy(agent: str) -> RecordsBusy:
    return RecordsBusy(f"the records of {agent} are being written by others for more than {LOCK_S:g} s")
