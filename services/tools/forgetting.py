"""Forgetting calls that are over: what says who was in them goes from each store; that something was done stays.

A row of the ledger is never deleted here. It keeps how it ended, its hash and the yes it has used up: whoever comes
with the same intent is told that it was done, and nothing is done twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import ColumnElement, bindparam, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.bus.forgetting import MOST
from parley.errors import BadInput, Unavailable
from parley.v1 import tools_pb2
from services.tools.contract import UNKNOWN, Outcome
from services.tools.database import Database
from services.tools.execution.executor import Executor
from services.tools.execution.ledger import KEEP_DAYS, dumped, loaded
from services.tools.execution.presence import Presence
from services.tools.identity.tries import CALL, NUMBER
from services.tools.records.rows import packed, unpacked
from services.tools.tables import audit, identity_tries, ledger, query_results, records, vault

LEDGER = (
    f"actions in the tools' ledger: which, when, how they ended; a hash, so that none is done twice ({KEEP_DAYS} d)"
)
AUDIT = "entries of the agents' own audits: what was done and when, not with whom (record keeping; PARLEY_AUDIT_DAYS)"
_KEPT_OF_ENTRY = ("what", "level", "at", "call")


class Forgetting:
    """Of one replica, `instance`, for all: they share the database."""

    def __init__(self, database: Database, executor: Executor, presence: Presence, instance: str) -> None:
        self._database, self._executor, self._presence, self._instance = database, executor, presence, instance

    async def answer(self, asked: bytes) -> bytes:
        """ForgetCalls -> CallsForgotten, which says what went wrong."""
        try:
            found = await self.forget(_call_ids(asked))
        except (BadInput, Unavailable) as e:
            found = tools_pb2.CallsForgotten(error=str(e))
        return found.SerializeToString()

    async def forget(self, call_ids: Collection[str]) -> tools_pb2.CallsForgotten:
        """May be done again. Raises Unavailable: nothing was done."""
        others = await self._presence.alive() - {self._instance}
        async with self._database.transaction() as connection:
            running = self._executor.running(call_ids) | await _running(connection, call_ids, others)
            over = sorted(set(call_ids) - running)
            stores = [
                ("arguments and results of actions", await _actions(connection, over), "actions"),
                ("agents' own audits", await _entries(connection, self._database, over), "entries"),
                ("results of queries", await _gone(connection, query_results, over), "results"),
                ("card numbers", await _gone(connection, vault, over), "numbers"),
                ("tries to show who one is", await _tries(connection, self._database, over), "counts"),
            ]
            kept = await _kept(connection, self._database, over)
        self._executor.forget(over)
        return tools_pb2.CallsForgotten(
            stores=[tools_pb2.ForgottenStore(name=name, count=count, unit=unit) for name, count, unit in stores],
            kept=[tools_pb2.KeptOfCalls(count=count, what=what) for what, count in kept],
            running=sorted(running),
        )


def _call_ids(asked: bytes) -> list[str]:
    try:
        found = list(tools_pb2.ForgetCalls.FromString(asked).call_ids)
    except DecodeError as e:
        raise BadInput("the question cannot be read") from e
    if len(found) > MOST:
        raise BadInput(f"call_ids: {len(found)}; {MOST} are allowed at once")
    return found


async def _running(connection: AsyncConnection, call_ids: Collection[str], alive: set[str]) -> set[str]:
    """Calls with an action that one of these replicas is still at: how it ends would be written behind our back."""
    open_ = select(ledger.c.call_id, ledger.c.executor).where(
        ledger.c.call_id.in_(call_ids), ledger.c.outcome_pii.is_(None)
    )
    rows = (await connection.execute(open_)).all()
    return {row.call_id for row in rows if row.executor in alive}


async def _actions(connection: AsyncConnection, call_ids: Iterable[str]) -> int:
    """One whose replica died over it is unknown from now on, also where it could be done again."""
    rows = (await connection.execute(select(ledger).where(ledger.c.call_id.in_(call_ids)))).all()
    changed = []
    for row in rows:
        status = UNKNOWN.status if row.outcome_pii is None else loaded(row.outcome_pii).status
        outcome = dumped(Outcome(status=status))
        if (row.arguments_pii, row.outcome_pii) != ("{}", outcome):
            ended = row.ended_at or datetime.now(UTC)
            changed.append({"of": row.call_id, "nr": row.intent, "outcome": outcome, "ended": ended})
    if changed:
        mine = (ledger.c.call_id == bindparam("of")) & (ledger.c.intent == bindparam("nr"))
        blank: dict[str, Any] = {"outcome_pii": bindparam("outcome"), "ended_at": bindparam("ended")}
        blank["arguments_pii"] = "{}"
        await connection.execute(update(ledger).where(mine).values(blank), changed)
    return len(changed)


async def _entries(connection: AsyncConnection, database: Database, call_ids: Iterable[str]) -> int:
    """What an entry is known by is made anew too: of few words a hash can be guessed."""
    mine = _call_of(audit.c.intent, database).in_(call_ids)
    rows = (await connection.execute(select(audit).where(mine))).all()
    changed = []
    for row in rows:
        entry = unpacked(row.entry_pii)
        if entry.keys() - set(_KEPT_OF_ENTRY):
            left = packed({name: entry[name] for name in _KEPT_OF_ENTRY if name in entry})
            key = {"whose": row.agent, "of": row.intent, "was": row.hash}
            changed.append({**key, "is": secrets.token_hex(32), "left": left})
    if changed:
        one = (audit.c.agent == bindparam("whose")) & (audit.c.intent == bindparam("of"))
        one &= audit.c.hash == bindparam("was")
        values: dict[str, Any] = {"entry_pii": bindparam("left"), "hash": bindparam("is")}
        await connection.execute(update(audit).where(one).values(values), changed)
    return len(changed)


async def _gone(connection: AsyncConnection, table: Any, call_ids: Iterable[str]) -> int:
    return int((await connection.execute(delete(table).where(table.c.call_id.in_(call_ids)))).rowcount)


async def _tries(connection: AsyncConnection, database: Database, call_ids: Iterable[str]) -> int:
    """Of the calls, and of the number they came from. Those of a record stay: they protect whose it is."""
    table = identity_tries.c
    of_call = table.kind.in_((CALL, "")) & _call_of(table.who_pii, database).in_(call_ids)
    of_number = (table.kind == NUMBER) & _call_of(table.last, database).in_(call_ids)
    return int((await connection.execute(delete(identity_tries).where(or_(of_call, of_number)))).rowcount)


async def _kept(connection: AsyncConnection, database: Database, call_ids: Iterable[str]) -> list[tuple[str, int]]:
    """What, and how much of it."""
    count = func.count()
    actions = select(count).select_from(ledger).where(ledger.c.call_id.in_(call_ids))
    entries = select(count).select_from(audit).where(_call_of(audit.c.intent, database).in_(call_ids))
    kept = [
        (LEDGER, (await connection.execute(actions)).scalar_one()),
        (AUDIT, (await connection.execute(entries)).scalar_one()),
    ]
    made = (
        select(records.c.agent, records.c.collection, count.label("rows"))
        .where(records.c.value_pii.is_not(None), _call_of(records.c.made_by, database).in_(call_ids))
        .group_by(records.c.agent, records.c.collection)
        .order_by(records.c.agent, records.c.collection)
    )
    for row in await connection.execute(made):
        what = f"records of {row.agent} in {row.collection!r}, which its tools made in these calls: your own data"
        kept.append((what, row.rows))
    return kept


def _call_of(intent: Any, database: Database) -> ColumnElement[str]:
    """`CA1` of `CA1/3`."""
    if database.shared:
        return func.split_part(intent, "/", 1)
    place = func.instr(intent, "/")
    return case((place > 0, func.substr(intent, 1, place - 1)), else_=intent)
