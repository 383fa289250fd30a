"""Forgetting a caller: what is kept of a number goes, store by store; what the law wants kept stays, and is named.
The tools service has a database of its own, and forgets the calls that are named to it.

The calls themselves stay in the figures, without the caller and without a word that was said.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, column, delete, func, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.bus import Bus, recorded_calls
from parley.bus.streams.dead_letters import DeadLetters
from parley.bus.streams.records import last_record, purge_call, record_at
from parley.errors import BadInput
from parley.v1 import events_pb2, tools_pb2
from services.backoffice.database import Database, metadata
from services.backoffice.records import tables
from services.backoffice.sealing import Sealer, plain_number

LIVE_MS = 3_600_000
"""A call that is not over and was heard of within so long goes on: it is forgotten when it is over."""
MAX_LOOKED_AT = 20_000
"""Calls of which NATS is asked whose they are, at most."""
TOGETHER = 500
InTools = Callable[[Sequence[str]], Awaitable[tools_pb2.CallsForgotten]]
"""Has the tools service forget calls. Raises Unavailable."""
_OF_OTHERS = (("outcomes", "summaries and slots"), ("emotions", "emotions"), ("deliveries", "webhook deliveries"))


@dataclass(frozen=True)
class Store:
    """One store: how much of it is gone, in its own unit."""

    name: str
    count: int
    unit: str


@dataclass(frozen=True)
class Forgotten:
    """`kept`: what stays and why. `live`: calls that go on; forget the number again when they are over."""

    stores: tuple[Store, ...]
    kept: tuple[str, ...]
    live: tuple[str, ...]


async def forget(
    number: str,
    database: Database,
    sealer: Sealer,
    bus: Bus,
    audited: Callable[[str], Awaitable[int]],
    in_tools: InTools,
) -> Forgotten:
    """All that is kept of this caller. May be done again. `audited` makes what the audit log says of a caller
    unreadable, and gives of how many entries. Raises BadInput, Unavailable (some stores may be done).

    Tools come first: once backoffice has forgotten whose the calls were, nobody could name them to tools.
    """
    plain = plain_number(number)
    if not plain:
        raise BadInput(f"number: {number!r} is no number and no address")
    now_ms = int(time.time() * 1000)
    async with database.reading() as connection:
        calls = tables.calls
        mine = select(calls.c.call_id, calls.c.ended_ms, calls.c.last_ms).where(
            calls.c.caller_hash == sealer.number(plain)
        )
        rows = (await connection.execute(mine)).all()
    live = {row.call_id for row in rows if row.ended_ms is None and row.last_ms > now_ms - LIVE_MS}
    unread = await _not_read_yet(database, bus, plain, {row.call_id for row in rows})
    live |= {call_id for call_id in unread if await _goes_on(bus, call_id, now_ms)}
    over = [call_id for call_id in dict.fromkeys((*(row.call_id for row in rows), *unread)) if call_id not in live]
    of_tools = await in_tools(over)
    live |= set(of_tools.running)
    over = [call_id for call_id in over if call_id not in live]
    ids = [call_id for call_id in over if call_id not in unread]
    events = sum([await purge_call(bus, call_id) for call_id in over])
    counted: dict[str, int] = {}
    for start in range(0, len(ids), TOGETHER):
        async with database.transaction() as connection:
            for name, count in (await _removed(connection, sealer, ids[start : start + TOGETHER])).items():
                counted[name] = counted.get(name, 0) + count
    letters = await DeadLetters(bus).forget(set(over))
    entries = await audited(number)
    stores = (
        Store("event records in NATS", events, "records"),
        Store("event records of backoffice", counted.get("records", 0), "records"),
        Store("transcripts", counted.get("lines", 0), "lines"),
        Store("index of words", counted.get("call_texts", 0), "calls"),
        Store("arguments and results of tools", counted.get("tools", 0), "uses"),
        *(Store(what, counted.get(name, 0), "rows") for name, what in _OF_OTHERS),
        Store("dead letters of watchers", letters, "events"),
        Store("numbers of callers", counted.get("calls", 0), "calls"),
        Store("content of the audit log", entries, "entries"),
        *(Store(f"tools: {each.name}", each.count, each.unit) for each in of_tools.stores),
        Store("profiles, vectors, cached answers, recordings", 0, "none is kept of callers"),
    )
    kept = (
        *await _kept(database, sealer, plain, len(ids)),
        *(f"{each.count} {each.what}" for each in of_tools.kept if each.count),
    )
    return Forgotten(stores, kept, tuple(sorted(live)))


async def _goes_on(bus: Bus, call_id: str, now_ms: int) -> bool:
    """By what NATS has of it."""
    record = events_pb2.EventRecord.FromString(await last_record(bus, call_id) or b"")
    heard_ms = max((each.at_ms for each in record.inputs), default=0)
    return not record.ended and heard_ms > now_ms - LIVE_MS


async def _not_read_yet(database: Database, bus: Bus, plain: str, known: set[str]) -> list[str]:
    """Calls of this caller that NATS has and backoffice has not: it may be behind."""
    recorded = [call_id for call_id in await recorded_calls(bus) if call_id not in known]
    read: set[str] = set()
    for start in range(0, len(recorded), TOGETHER):
        part = recorded[start : start + TOGETHER]
        async with database.reading() as connection:
            found = await connection.execute(select(tables.calls.c.call_id).where(tables.calls.c.call_id.in_(part)))
            read |= set(found.scalars())
    mine = []
    for call_id in [call_id for call_id in recorded if call_id not in read][:MAX_LOOKED_AT]:
        record = events_pb2.EventRecord.FromString(await record_at(bus, call_id) or b"")
        callers = [each.opened.caller_pii for each in record.inputs if each.HasField("opened")]
        if any(plain_number(caller) == plain for caller in callers):
            mine.append(call_id)
    return mine


async def _removed(connection: AsyncConnection, sealer: Sealer, ids: Sequence[str]) -> dict[str, int]:
    """Table -> rows."""
    removed = {}
    for each in (tables.records, tables.lines, tables.texts):
        removed[each.name] = (await connection.execute(delete(each).where(each.c.call_id.in_(ids)))).rowcount
    used = update(tables.tools).where(tables.tools.c.call_id.in_(ids)).values(arguments_pii="", result_pii="")
    removed["tools"] = (await connection.execute(used)).rowcount
    for name, _ in _OF_OTHERS:
        if (other := metadata.tables.get(name)) is not None:
            removed[name] = (await connection.execute(delete(other).where(other.c.call_id.in_(ids)))).rowcount
    calls: Table = tables.calls
    for call_id in ids:  # each is sealed for itself
        nobody = {"caller_sealed": sealer.seal(b"", f"caller/{call_id}"), "caller_hash": "", "caller_tail": ""}
        await connection.execute(update(calls).where(calls.c.call_id == call_id).values(nobody))
    removed["calls"] = len(ids)
    return removed


async def _kept(database: Database, sealer: Sealer, plain: str, calls: int) -> tuple[str, ...]:
    kept = [
        f"{calls} calls in the figures: when, how long, for how much; no caller and no word",
        "entries of the audit log: kinds and times, whose content nobody can read any more (record keeping)",
    ]
    for name, what in (
        ("consents", "consent given or withdrawn (proof of consent: GDPR art. 7(1), TCPA)"),
        ("do_not_call", "the wish not to be called (it must be honoured: TSR 16 CFR 310.4, GDPR art. 21)"),
    ):
        if name in metadata.tables:
            rows = table(name, column("number_hash"))
            async with database.reading() as connection:
                count = select(func.count()).select_from(rows).where(rows.c.number_hash == sealer.number(plain))
                kept.append(f"{(await connection.execute(count)).scalar_one()} entries of {what}")
    return tuple(kept)
