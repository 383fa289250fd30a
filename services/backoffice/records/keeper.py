"""What the stream gives is kept: the record itself, sealed, and the rows of the call that it belongs to.

All of one batch, and how far the stream was read with it, in one transaction: after a death nothing is there twice, and
nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Counter
from sqlalchemy import Table, delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.bus.streams.reading import Kept
from parley.errors import Unavailable
from parley.v1 import events_pb2
from services.backoffice.database import Database
from services.backoffice.records import tables
from services.backoffice.records.fold import key_of
from services.backoffice.records.folding import Calls, Folded
from services.backoffice.records.lease import Lease, Position
from services.backoffice.records.rows import Paper, Row, Rows, add_rows
from services.backoffice.sealing import Unsealable

log = structlog.get_logger()

RECORDS = Counter(
    "voice_records_total",
    "Event records by what became of them: kept, seen (again), unreadable, unkept (the database refuses what it says)",
    ["outcome"],
)
for _outcome in ("kept", "seen", "unreadable", "unkept"):
    RECORDS.labels(_outcome)
IDS = 200
"""Calls that are asked for at once."""


@dataclass
class _Batch:
    """What is new: records as they came and as they are, and the calls they change."""

    raw: list[Row]
    folded: dict[str, Folded]
    seen: int = 0


class Keeper:
    """One for the process that reads."""

    def __init__(self, database: Database, paper: Paper, lease: Lease, calls: Calls | None = None) -> None:
        self._database, self._paper, self._lease = database, paper, lease
        self.calls = calls if calls is not None else Calls()

    async def keep(self, batch: Sequence[Kept], stream: str) -> None:
        """Raises Unavailable, Superseded: nothing of the batch was kept then, and it is to be read again."""
        records = [record for each in batch if (record := _read(each)) is not None]
        position = Position(batch[-1].seq, stream)
        try:
            await self._keep(records, position)
        except Unavailable as e:
            self.calls.forget({record.call_id for record in records})
            cause = e.__cause__
            if not isinstance(cause, DBAPIError) or cause.connection_invalidated or _may_pass(cause):
                raise
            await self._one_by_one(records, position)
        except BaseException:
            self.calls.forget({record.call_id for record in records})
            raise
        self.calls.trim()

    async def _one_by_one(self, records: Sequence[events_pb2.EventRecord], position: Position) -> None:
        """The database refuses something in this batch: what it is about is left out, the rest is kept."""
        for record in records:
            try:
                await self._keep([record], None)
            except Unavailable as e:
                self.calls.forget([record.call_id])
                cause = e.__cause__
                if not isinstance(cause, DBAPIError) or cause.connection_invalidated or _may_pass(cause):
                    raise
                RECORDS.labels("unkept").inc()
                log.error("a record is left out", call_id=record.call_id, error=type(cause.orig).__name__)
        await self._keep([], position)

    async def _keep(self, records: Sequence[events_pb2.EventRecord], position: Position | None) -> None:
        async with self._database.transaction() as connection:
            batch = await self._folded(connection, records)
            rows = Rows()
            for folded in batch.folded.values():
                add_rows(rows, folded.call, self._paper, broken=folded.broken)
            anew = [call_id for call_id, folded in batch.folded.items() if folded.anew]
            await self._lease.hold(connection, position)
            await self._write(connection, batch.raw, rows, anew)
        for folded in batch.folded.values():
            folded.anew = False
        RECORDS.labels("kept").inc(len(batch.raw))
        RECORDS.labels("seen").inc(batch.seen)

    async def _folded(self, connection: AsyncConnection, records: Sequence[events_pb2.EventRecord]) -> _Batch:
        await self._at_hand(connection, {record.call_id for record in records})
        batch, again = _Batch([], {}), set()
        for record in records:
            folded = self.calls.get(record.call_id)
            assert folded is not None
            if not folded.new(record):
                batch.seen += 1
                continue
            batch.raw.append(self._raw(record))
            batch.folded[record.call_id] = folded
            if not folded.add(record):
                again.add(record.call_id)
        for call_id in again:
            kept = await self.records_of(connection, [call_id])
            mine = {key_of(record): record for record in (*kept.get(call_id, ()), *_of(records, call_id))}
            batch.folded[call_id].again(mine.values())
        return batch

    async def _at_hand(self, connection: AsyncConnection, call_ids: set[str]) -> None:
        """Those that were begun before are folded again from what was kept."""
        missing = sorted(call_id for call_id in call_ids if self.calls.get(call_id) is None)
        for start in range(0, len(missing), IDS):
            part = missing[start : start + IDS]
            found = await self.records_of(connection, part)
            for call_id in part:
                folded = Folded(call_id)
                if kept := found.get(call_id):
                    folded.again(kept)
                    folded.anew = False
                    # Its rows are there already.
                    folded.call.written = len(folded.call.moments)
                    for changed in (folded.call.changed_lines, folded.call.changed_turns, folded.call.changed_tools):
                        changed.clear()
                self.calls.put(folded)

    async def records_of(
        self, connection: AsyncConnection, call_ids: Sequence[str]
    ) -> dict[str, list[events_pb2.EventRecord]]:
        """What is kept of these calls. What cannot be opened any more is left out."""
        table = tables.records
        rows = await connection.execute(select(table.c.call_id, table.c.sealed).where(table.c.call_id.in_(call_ids)))
        found: dict[str, list[events_pb2.EventRecord]] = {}
        for call_id, sealed in rows:
            try:
                data = self._paper.sealer.open(sealed, f"record/{call_id}")
            except Unsealable as e:
                log.error("a kept record cannot be opened", call_id=call_id, error=str(e))
                continue
            found.setdefault(call_id, []).append(events_pb2.EventRecord.FromString(data))
        return found

    def _raw(self, record: events_pb2.EventRecord) -> Row:
        leg, open_, n, swept = key_of(record)
        sealed = self._paper.sealer.seal(record.SerializeToString(), f"record/{record.call_id}")
        at_ms = record.inputs[0].at_ms if record.inputs else 0
        return {
            "call_id": record.call_id, "leg": leg, "open": open_, "n": n, "swept": swept, "at_ms": at_ms,
            "sealed": sealed,
        }  # fmt: skip

    async def _write(self, connection: AsyncConnection, raw: list[Row], rows: Rows, anew: Sequence[str]) -> None:
        if raw:
            await connection.execute(self._database.insert(tables.records).on_conflict_do_nothing(), raw)
        for table in tables.OF_A_CALL if anew else ():
            await connection.execute(delete(table).where(table.c.call_id.in_(anew)))
        for each in fields(rows):
            found: list[Row] = getattr(rows, each.name)
            if found:
                await connection.execute(self._upsert(getattr(tables, each.name)), _clean(found))

    def _upsert(self, table: Table) -> Any:
        found = _UPSERTS.get((self._database.shared, table.name))
        if found is None:
            keys = ["call_id"] if table is tables.texts else [column.name for column in table.primary_key]
            insert = self._database.insert(table)
            others = {
                column.name: insert.excluded[column.name]
                for column in table.columns
                if column.name not in keys and column.name != ("nr" if table is tables.texts else "")
            }
            found = insert.on_conflict_do_update(index_elements=keys, set_=others)
            _UPSERTS[self._database.shared, table.name] = found
        return found


_UPSERTS: dict[tuple[bool, str], Any] = {}


def _read(each: Kept) -> events_pb2.EventRecord | None:
    try:
        record = events_pb2.EventRecord.FromString(each.data)
    except DecodeError:
        record = events_pb2.EventRecord()
    if not record.call_id or len(record.call_id) > tables.ID:
        RECORDS.labels("unreadable").inc()
        log.error("an event record cannot be read", seq=each.seq, bytes=len(each.data))
        return None
    return record


def _of(records: Iterable[events_pb2.EventRecord], call_id: str) -> list[events_pb2.EventRecord]:
    return [record for record in records if record.call_id == call_id]


def _clean(rows: list[Row]) -> list[Row]:
    """PostgreSQL takes no NUL in a text."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and "\0" in value:
                row[name] = value.replace("\0", "")
    return rows


def _may_pass(error: DBAPIError) -> bool:
    """It is no fault of what is written: locks, time-outs, a full disk, a server that restarts."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return not str(state).startswith(("22", "23"))  # data and integrity
    return type(error).__name__ not in ("DataError", "IntegrityError", "InterfaceError", "ProgrammingError")
