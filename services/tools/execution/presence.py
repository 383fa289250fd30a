"""That this replica lives, said where the others can ask: a beat, and a lock of PostgreSQL's.

The lock belongs to a connection that the process holds open. When the process is gone its machine closes the connection
and the server takes the lock back, in milliseconds; a process that stands still, or that cannot be reached, keeps it,
and is known by its beats alone. One that lives and has lost the lock says so with its next beat, so a lost lock tells
of a death only when no beat came since. Where locks do not stay with a connection (some poolers) there are beats only.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import BigInteger, Select, and_, cast, exists, func, literal_column, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.tools.database import Database
from services.tools.tables import executors

log = structlog.get_logger()

LEASE_S = 2.0
"""A replica that has not said that it lives for this long is dead. It says so every BEAT_S."""
BEAT_S = 0.5
LOST_S = 0.8
"""The same of a replica whose lock is gone."""

_KEY = literal_column("(classid::bigint << 32) | objid::bigint", BigInteger)
_LOCKS = (
    select(_KEY.label("key"), literal_column("pid").label("pid"))
    .select_from(text("pg_locks"))
    .where(
        text(
            "locktype = 'advisory' AND objsubid = 1 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    )
    .subquery("held")
)


class Presence:
    """Of replica `instance`. With SQLite there is only this one: it holds the file's lock."""

    def __init__(self, database: Database, instance: str) -> None:
        self._database = database
        self._instance = instance
        self._connection: AsyncConnection | None = None
        self._lock = 0
        self._locked_at = 0.0  # 0: not locked

    async def beat(self) -> None:
        """Say it. Raises Unavailable."""
        if not self._database.shared:
            return
        try:
            await self._beat_locked()
        except (SQLAlchemyError, OSError, TimeoutError) as e:
            log.info("no lock tells that this replica lives", error=type(e).__name__)
            async with self._database.transaction() as connection:
                await self._write(connection, None)
            await self.close()

    async def alive(self) -> set[str]:
        """Replicas that live. Raises Unavailable."""
        if not self._database.shared:
            return {self._instance}
        async with self._database.transaction() as connection:
            found: set[str] = set((await connection.execute(self._living())).scalars())
        return found | {self._instance}

    async def close(self) -> None:
        """Give the lock back."""
        connection, self._connection, self._locked_at = self._connection, None, 0.0
        if connection is not None:
            with suppress(SQLAlchemyError, OSError):
                await connection.invalidate()
            with suppress(SQLAlchemyError, OSError):
                await connection.close()

    def _trusts_locks(self) -> bool:
        return self._locked_at > 0 and time.monotonic() - self._locked_at >= LEASE_S

    def _living(self) -> Select[Any]:
        """Of a server that was away all locks are gone, and all replicas take theirs again: so their absence counts
        only for who has held a lock of its own for as long as a lease."""
        beat_at, lock = executors.c.beat_at, executors.c.lock
        living = beat_at > func.now() - timedelta(seconds=LEASE_S)
        if self._trusts_locks():
            held = exists().where(_LOCKS.c.key == lock)
            just_now = beat_at > func.now() - timedelta(seconds=LOST_S)
            living = and_(living, or_(lock.is_(None), held, just_now))
        return select(executors.c.instance).where(living)

    async def _beat_locked(self) -> None:
        """On the connection that holds the lock, so that it is never idle and its loss is seen."""
        if self._connection is None:
            self._lock = secrets.randbits(62)
            self._connection = await self._database.connect()
            await self._connection.execute(select(func.pg_advisory_lock(cast(self._lock, BigInteger))))
            self._locked_at = time.monotonic()
        ours = exists().where(_LOCKS.c.key == self._lock, _LOCKS.c.pid == func.pg_backend_pid())
        held = bool((await self._connection.execute(select(ours))).scalar())
        if not held:
            self._locked_at = 0.0
        await self._write(self._connection, self._lock if held else None)

    async def _write(self, connection: AsyncConnection, lock: int | None) -> None:
        said = self._database.insert(executors).values(instance=self._instance, lock=lock)
        again = said.on_conflict_do_update(
            index_elements=["instance"], set_={"beat_at": func.now(), "lock": said.excluded.lock}
        )
        await connection.execute(again)
