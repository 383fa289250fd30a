"""A transaction on an agent's records: what it has read, what it will write, and the writing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.tooling import Records, ToolError
from services.tools.database import Database
from services.tools.records.audit import append, entered
from services.tools.records.keys import Kind, candidates
from services.tools.records.reading import Wanted, few, mark_of, one, rows_of
from services.tools.records.rows import MAX_CHANGES, MAX_ROWS, checked_collection, checked_key, packed, unpacked
from services.tools.records.store import Session
from services.tools.tables import records

Place = tuple[str, str]
"""Collection and key."""


class Changes:
    """What tools get from `transaction()`. `counts`: rows that this intent has added so far, by collection."""

    def __init__(
        self, database: Database, session: Session, agent: str, intent: str, counts: Mapping[str, int]
    ) -> None:
        self._database = database
        self._session = session
        self._agent = agent
        self._intent = intent
        self.counts = Counter(counts)
        self._values: dict[Place, str | None] = {}
        self._marks: dict[Place, str] = {}
        self._entries: list[dict[str, Any]] = []
        self._adding = asyncio.Lock()
        self.over = False

    async def get(self, collection: str, key: str) -> dict[str, Any] | None:
        place = self._place(collection, key)
        if place not in self._values:
            return await one(self._session, self._agent, *place)
        value = self._values[place]
        return None if value is None else unpacked(value)

    async def all(self, collection: str) -> dict[str, dict[str, Any]]:
        return await self._some(collection, Wanted({}))

    async def find(self, collection: str, /, **equal: Any) -> dict[str, dict[str, Any]]:
        return await self._some(collection, Wanted(equal))

    async def put(self, collection: str, key: str, row: Mapping[str, Any]) -> None:
        self._change(self._place(collection, key), packed(row))

    async def add(self, collection: str, row: Mapping[str, Any], *, kind: Kind = "digits") -> str:
        checked_collection(collection)
        value = packed(row)
        async with self._adding:
            mark = mark_of(self._intent, self.counts[collection])
            self.counts[collection] += 1
            if (key := await self._made(collection, mark)) is not None:
                return key
            keys = candidates(f"{self._agent}/{collection}/{mark}" if mark else "", kind)
            while not await self._free((collection, new := next(keys))):
                pass
            self._change((collection, new), value)
            if mark:
                self._marks[collection, new] = mark
            return new

    async def added(self, collection: str) -> str | None:
        return await self._made(checked_collection(collection), mark_of(self._intent, self.counts[collection]))

    async def delete(self, collection: str, key: str) -> bool:
        there = await self.get(collection, key) is not None
        if there:
            self._change((collection, key), None)
        return there

    async def audit(self, entry: Mapping[str, Any]) -> None:
        row = entered(self._agent, self._intent, entry)
        self._bound(new=True)
        self._entries.append(row)

    def transaction(self) -> AbstractAsyncContextManager[Records]:
        raise RuntimeError("a transaction is open already; go on with it")

    async def write(self) -> None:
        """All of it, committed. Raises ToolError: a collection is full."""
        self.over = True
        if not (self._values or self._entries):
            return
        now, position = datetime.now(UTC), time.time_ns() // 1000
        rows = [
            {
                "agent": self._agent,
                "collection": collection,
                "key": key,
                "position": position + n,
                "value_pii": value,
                "written_at": now,
                "made_by": self._marks.get((collection, key)),
            }
            for n, ((collection, key), value) in enumerate(self._values.items())
        ]
        insert = self._database.insert(records)
        new = insert.excluded
        upsert = insert.on_conflict_do_update(
            index_elements=["agent", "collection", "key"],
            set_={
                "value_pii": new.value_pii,
                "written_at": new.written_at,
                "made_by": func.coalesce(records.c.made_by, new.made_by),
            },
        )
        async with self._session.writing() as connection:
            if self._entries:
                await append(self._database, connection, self._entries)
            if rows:
                await connection.execute(upsert, rows)
            for collection in sorted({collection for collection, _ in self._values}):
                await self._bounded(connection, collection)

    async def _bounded(self, connection: AsyncConnection, collection: str) -> None:
        here = (records.c.agent == self._agent) & (records.c.collection == collection)
        count = (await connection.execute(select(func.count()).select_from(records).where(here))).scalar_one()
        if count > MAX_ROWS:
            raise ToolError(f"There is no room for more {collection}: {MAX_ROWS:,} are kept.")

    async def _some(self, collection: str, wanted: Wanted) -> dict[str, dict[str, Any]]:
        self._place(collection, "-")
        query = wanted.narrowed(self._database, rows_of(self._agent, collection))
        found: dict[str, str | None] = {row.key: row.value_pii for row in await self._read(few(query))}
        for (where, key), value in self._values.items():
            if where == collection:
                found[key] = value
        return wanted.chosen(collection, found)

    async def _made(self, collection: str, mark: str) -> str | None:
        """The key that was made under this mark: it may have been deleted since."""
        if not mark:
            return None
        here = (records.c.agent == self._agent) & (records.c.collection == collection)
        found = await self._read(select(records.c.key).where(here, records.c.made_by == mark))
        return str(found[0].key) if found else None

    async def _free(self, place: Place) -> bool:
        here = (records.c.agent == self._agent) & (records.c.collection == place[0]) & (records.c.key == place[1])
        return place not in self._values and not await self._read(select(records.c.key).where(here))

    async def _read(self, query: Select[Any]) -> list[Any]:
        async with self._session.reading() as connection:
            return list((await connection.execute(query)).all())

    def _place(self, collection: str, key: str) -> Place:
        if self.over:
            raise RuntimeError("the transaction is over")
        return checked_collection(collection), checked_key(key)

    def _change(self, place: Place, value: str | None) -> None:
        self._bound(new=place not in self._values)
        self._values[place] = value

    def _bound(self, new: bool) -> None:
        if self.over:
            raise RuntimeError("the transaction is over")
        if new and len(self._values) + len(self._entries) >= MAX_CHANGES:
            raise ToolError(f"That is too much at once: a transaction may write {MAX_CHANGES} rows.")
