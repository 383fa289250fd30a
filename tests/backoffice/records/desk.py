"""A keeper with nobody before it: records go in, rows are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, select

from parley.bus.streams.reading import Kept
from parley.v1 import events_pb2
from services.backoffice.database import Database
from services.backoffice.records import tables
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import Lease
from services.backoffice.records.rows import Paper, Policy
from services.backoffice.records.search import Search
from services.backoffice.sealing import Sealer
from testbed.recorded_calls import RecordedCall

STREAM = "the first"


class Desk:
    """`seq` rises as in a stream. `started()` is another process with the same database."""

    def __init__(self, database: Database, sealer: Sealer, policy: Policy = "keep", holder: str = "one") -> None:
        self.database = database
        self.sealer = sealer
        self.paper = Paper(sealer, policy)
        self.lease = Lease(database, "records", holder)
        self.keeper = Keeper(database, self.paper, self.lease)
        self.search = Search(database, self.paper)
        self.seq = 0

    async def started(self, holder: str = "one") -> Desk:
        desk = Desk(self.database, self.sealer, self.paper.policy, holder)
        position = await desk.lease.take()
        assert position is not None
        desk.seq = position.seq
        return desk

    async def keep(self, records: Iterable[events_pb2.EventRecord], at_once: int = 50) -> None:
        found = list(records)
        for start in range(0, len(found), at_once):
            batch = [self._kept(record.SerializeToString()) for record in found[start : start + at_once]]
            await self.keeper.keep(batch, STREAM)

    async def keep_raw(self, *data: bytes) -> None:
        await self.keeper.keep([self._kept(each) for each in data], STREAM)

    def _kept(self, data: bytes) -> Kept:
        self.seq += 1
        return Kept(self.seq, data)

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        """In the order of the key, without what is sealed anew each time."""
        async with self.database.reading() as connection:
            found = await connection.execute(select(table).order_by(*table.primary_key))
            return [{name: row[name] for name in row if "sealed" not in name} for row in found.mappings()]

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for table in (tables.calls, *tables.OF_A_CALL):
            found[table.name] = await self.rows(table)
        async with self.database.reading() as connection:
            texts = await connection.execute(select(_TEXTS.c.call_id, _TEXTS.c.text_pii).order_by(_TEXTS.c.call_id))
            found["texts"] = [dict(row) for row in texts.mappings()]
            count = await connection.execute(select(tables.records.c.call_id))
            found["records"] = [{"call_id": call_id} for call_id in sorted(count.scalars())]
        return found


_TEXTS = tables.texts


def records(calls: Sequence[RecordedCall]) -> list[events_pb2.EventRecord]:
    return [record for call in calls for record in call.records]
