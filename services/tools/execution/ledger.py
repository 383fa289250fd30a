"""What was begun, written down before it is done. One row per (call, intent) with effects; fences per call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from google.protobuf import json_format
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Superseded, Unavailable
from parley.settings import Settings
from services.tools.contract import Epoch, Intent, Key, Outcome, Row
from services.tools.database import Database
from services.tools.identity.tries import outdated
from services.tools.records.rows import WRITTEN_FROM
from services.tools.tables import audit, executors, fences, identity_tries, ledger, query_results, records, vault
from services.tools.vault.vault import KEEP

KEEP_DAYS = 30
AUDIT_DAYS = 365
CLAIMS = 3
"""Attempts at a row that stands in the way, and is taken back before it can be read."""
RESULTS_HOURS = 4
"""What a query has found: as long as the longest call."""
MAX_ROWS = 100
"""Rows of one call that `settle` returns, the newest: with arguments and results within one gRPC message."""


class Ledger:
    """The rows of all calls, as replica `instance` sees them. Raises Unavailable when the database is not there."""

    def __init__(self, database: Database, instance: str, audit_days: int = AUDIT_DAYS) -> None:
        self._database = database
        self._instance = instance
        self._audit_days = audit_days

    async def take(self, settings: Settings) -> None:
        """How long what agents audit is kept, from the next sweep on."""
        self._audit_days = settings.audit_days

    async def claim(self, intent: Intent, claim: str) -> Row | None:
        """Write `started`, durably; None when the intent is now ours, else the row that already stands there: that of
        the intent, or the one that has used up the caller's yes.

        Repeating it with the same `claim` is safe. Raises Superseded when a newer owner has settled the call.
        """
        values = {
            "call_id": intent.call_id,
            "intent": intent.number,
            "leg": intent.epoch[0],
            "open": intent.epoch[1],
            "agent": intent.agent,
            "name": intent.name,
            "hash": intent.hash,
            "arguments_pii": orjson.dumps(intent.arguments).decode(),
            "executor": self._instance,
            "claim": claim,
            "confirmed": intent.confirmed or None,
        }
        insert = self._database.insert(ledger).values(values).on_conflict_do_nothing()
        async with self._database.transaction() as connection:
            await self._fence(connection, intent.call_id, intent.epoch)
            for _ in range(CLAIMS):
                if (await connection.execute(insert)).rowcount == 1:
                    return None
                row = await _find(connection, intent.key)
                if row is None and intent.confirmed:
                    row = await _agreed(connection, intent)
                if row is not None:
                    return None if row.claim == claim else row
        raise Unavailable(f"intent {intent.number} of this call stood in the ledger, and was gone, {CLAIMS} times")

    async def find(self, key: Key) -> Row | None:
        async with self._database.transaction() as connection:
            return await _find(connection, key)

    async def take_over(self, key: Key, old: str, new: str) -> bool:
        """Make a dead replica's row ours; False when somebody else did, or it ended."""
        async with self._database.transaction() as connection:
            done = await connection.execute(
                update(ledger).where(_open(key, old)).values(claim=new, executor=self._instance)
            )
        return bool(done.rowcount == 1)

    async def finish(self, key: Key, claim: str, outcome: Outcome, forget: bool = False) -> None:
        """Store the outcome of `claim`; the first one stays. `forget`: what it was asked is not kept but for its hash,
        by which the same intent is still known."""
        values: dict[str, Any] = {"outcome_pii": dumped(outcome), "ended_at": func.now()}
        values |= {"arguments_pii": "{}"} if forget else {}
        async with self._database.transaction() as connection:
            await connection.execute(update(ledger).where(_open(key, claim)).values(values))

    async def release(self, key: Key, claim: str) -> None:
        """Take back a claim whose work never began."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(ledger).where(_open(key, claim)))

    async def settle(self, call_id: str, epoch: Epoch) -> list[Row]:
        """Fence every lower epoch, and what was begun so far. Raises Superseded when a higher one was here."""
        query = select(ledger).where(ledger.c.call_id == call_id).order_by(ledger.c.intent.desc()).limit(MAX_ROWS)
        async with self._database.transaction() as connection:
            await self._fence(connection, call_id, epoch)
            rows = [_row(row) for row in (await connection.execute(query)).all()]
        return rows[::-1]

    async def purge(self) -> int:
        """Forget calls older than KEEP_DAYS, and what was kept for them; how many rows of the ledger."""
        old = _days_ago(KEEP_DAYS)
        async with self._database.transaction() as connection:
            gone = await connection.execute(delete(ledger).where(ledger.c.started_at < old))
            await connection.execute(delete(fences).where(fences.c.touched_at < old))
            await connection.execute(delete(executors).where(executors.c.beat_at < old))
            await connection.execute(delete(records).where(_deleted_before(old)))
            await connection.execute(delete(audit).where(audit.c.written_at < _days_ago(self._audit_days)))
            await connection.execute(delete(identity_tries).where(outdated()))
            await connection.execute(delete(query_results).where(query_results.c.made_at < _call_ago()))
            await connection.execute(delete(vault).where(vault.c.kept_at < datetime.now(UTC) - KEEP))
        return int(gone.rowcount)

    async def _fence(self, connection: AsyncConnection, call_id: str, epoch: Epoch) -> None:
        """Raise the call's fence to `epoch`. Its row is locked till the transaction ends, so claims and settles of one
        call come one after another."""
        leg, opened = epoch
        values = {"leg": leg, "open": opened, "touched_at": func.now()}
        newer = or_(fences.c.leg < leg, and_(fences.c.leg == leg, fences.c.open <= opened))
        insert = self._database.insert(fences).values(call_id=call_id, **values)
        raised = await connection.execute(
            insert.on_conflict_do_update(index_elements=["call_id"], set_=values, where=newer)
        )
        if raised.rowcount == 0:
            raise Superseded(f"a newer owner than epoch {leg}.{opened} has settled this call")


def _deleted_before(old: datetime) -> Any:
    """Of records that no file has; those of a file would come again with its next edit."""
    return records.c.value_pii.is_(None) & (records.c.written_at < old) & (records.c.position >= WRITTEN_FROM)


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _call_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=RESULTS_HOURS)


def _is(key: Key) -> Any:
    return (ledger.c.call_id == key[0]) & (ledger.c.intent == key[1])


def _open(key: Key, claim: str) -> Any:
    return _is(key) & (ledger.c.claim == claim) & ledger.c.outcome_pii.is_(None)


async def _agreed(connection: AsyncConnection, intent: Intent) -> Row | None:
    """What was done on this very yes, under whichever intent."""
    query = select(ledger).where(ledger.c.call_id == intent.call_id, ledger.c.confirmed == intent.confirmed)
    row = (await connection.execute(query)).first()
    return None if row is None else _row(row)


async def _find(connection: AsyncConnection, key: Key) -> Row | None:
    row = (await connection.execute(select(ledger).where(_is(key)))).first()
    return None if row is None else _row(row)


def _row(row: Any) -> Row:
    outcome = None if row.outcome_pii is None else loaded(row.outcome_pii)
    return Row(row.intent, row.name, row.arguments_pii, row.hash, row.executor, row.claim, outcome)


def dumped(outcome: Outcome) -> str:
    """The message as JSON: who looks into the database can read it."""
    return json_format.MessageToJson(outcome, preserving_proto_field_name=True, indent=None)


def loaded(text: str) -> Outcome:
    data = orjson.loads(text)
    if "result" in data:  # written by an older version, at most KEEP_DAYS ago
        data = {"status": f"STATUS_{data.pop('status').upper()}", "result_json": data.pop("result"), **data}
    return json_format.ParseDict(data, Outcome(), ignore_unknown_fields=True)
