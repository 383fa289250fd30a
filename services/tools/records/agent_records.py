"""What a tool gets as `context.records`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog

from parley.tooling import Records, ToolError
from services.tools.records.audit import append, entered
from services.tools.records.changes import Changes
from services.tools.records.keys import Kind
from services.tools.records.reading import Wanted, few, one, rows_of
from services.tools.records.rows import checked_collection, checked_key
from services.tools.records.store import RecordsBusy, RecordStore, Session

log = structlog.get_logger()

TRANSACTION_S = 5.0


class AgentRecords:
    """The records of one agent, for one intent: `intent` is its idempotency key; empty: `add` makes random keys.

    A single write is a transaction of its own. While the task that began a transaction is in it, what it asks here is
    asked of the transaction.
    """

    def __init__(self, store: RecordStore, agent: str, intent: str = "") -> None:
        self._store = store
        self._agent = agent
        self._intent = intent
        self._counts: Counter[str] = Counter()
        self._open: dict[asyncio.Task[Any] | None, Changes] = {}

    async def get(self, collection: str, key: str) -> dict[str, Any] | None:
        if (changes := self._mine) is not None:
            return await changes.get(collection, key)
        return await one(self._reads, self._agent, checked_collection(collection), checked_key(key))

    async def all(self, collection: str) -> dict[str, dict[str, Any]]:
        return await self.find(collection)

    async def find(self, collection: str, /, **equal: Any) -> dict[str, dict[str, Any]]:
        if (changes := self._mine) is not None:
            return await changes.find(collection, **equal)
        wanted = Wanted(equal)
        query = wanted.narrowed(self._store.database, rows_of(self._agent, checked_collection(collection)))
        async with self._reads.reading() as connection:
            rows = (await connection.execute(few(query))).all()
        return wanted.chosen(collection, {row.key: row.value_pii for row in rows})

    async def put(self, collection: str, key: str, row: Mapping[str, Any]) -> None:
        async with self._changing() as changes:
            await changes.put(collection, key, row)

    async def add(self, collection: str, row: Mapping[str, Any], *, kind: Kind = "digits") -> str:
        async with self._changing() as changes:
            return await changes.add(collection, row, kind=kind)

    async def added(self, collection: str) -> str | None:
        async with self._changing() as changes:
            return await changes.added(collection)

    async def delete(self, collection: str, key: str) -> bool:
        async with self._changing() as changes:
            return await changes.delete(collection, key)

    async def audit(self, entry: Mapping[str, Any]) -> None:
        if (changes := self._mine) is not None:
            await changes.audit(entry)
            return
        row = entered(self._agent, self._intent, entry)
        async with self._store.database.transaction() as connection:
            await append(self._store.database, connection, [row])

    def transaction(self) -> AbstractAsyncContextManager[Records]:
        if (changes := self._mine) is not None:
            return changes.transaction()
        return self._transaction()

    @property
    def _mine(self) -> Changes | None:
        return self._open.get(asyncio.current_task()) if self._open else None

    @property
    def _reads(self) -> Session:
        return Session(self._store.database, None)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Changes]:
        if (changes := self._mine) is not None:
            yield changes
            return
        async with self._transaction() as changes:
            yield changes

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Changes]:
        task = asyncio.current_task()
        try:
            async with self._store.alone(self._agent) as session:
                changes = Changes(self._store.database, session, self._agent, self._intent, self._counts)
                self._open[task] = changes
                try:
                    async with asyncio.timeout(TRANSACTION_S) as limit:
                        yield changes
                except TimeoutError as e:
                    if limit.expired():
                        raise TimeoutError(f"a transaction on records may take {TRANSACTION_S:g} s; undone") from e
                    raise
                finally:
                    changes.over = True
                    del self._open[task]
                await changes.write()
                self._counts = changes.counts
        except RecordsBusy as e:
            log.warning("records busy", agent=self._agent)
            raise ToolError("Others are writing there just now, and nothing was changed. It may be tried again.") from e
