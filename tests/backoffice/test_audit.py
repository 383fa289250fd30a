"""The audit log: append-only, one chain, and forgetting that does not break it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from parley.settings import Settings
from parley.watching import Happening
from services.backoffice.database import Database, open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit, trail
from services.backoffice.watchers.audit.chain import Entry, link
from services.backoffice.watchers.tables import audit as table
from services.backoffice.watchers.tables import audit_head, audit_holders

ANN, BOB = "+15550100001", "+15550100002"


@pytest.fixture
def audit(database: Database, sealer: Sealer) -> Audit:
    return Audit(database, sealer)


def call(call_id: str, caller: str, *said: str) -> list[Happening]:
    started = Happening(f"{call_id}/1.1/1/0.0", "call.started", call_id, 1000, {"caller_pii": caller})
    turns = [
        Happening(f"{call_id}/1.1/{n}/0.0", "turn", call_id, 1000 * n, {"text_pii": t}) for n, t in enumerate(said, 2)
    ]
    return [started, *turns]


async def test_what_happened_and_who_did_what_stand_in_one_chain(audit: Audit) -> None:
    await audit.happened(call("CA1", ANN, "hello"))
    await audit.note("ann", "login", "ann", {"from": "10.0.0.1"})
    verdict = await audit.verify()
    assert (verdict.whole, verdict.entries, verdict.unreadable) == (True, 3, 0)
    newest = await audit.page()
    assert [(each.seq, each.kind, each.who) for each in newest] == [
        (3, "login", "ann"),
        (2, "turn", ""),
        (1, "call.started", ""),
    ]
    assert newest[1].detail == {"text_pii": "hello"}
    assert [each.seq for each in await audit.page(before=3, limit=1)] == [2]
    assert [each.seq for each in await audit.page(kind="login")] == [3]
    assert [each.seq for each in await audit.page(subject="CA1")] == [2, 1]


async def test_a_new_chain_is_begun_and_forgetting_reaches_the_old_one(audit: Audit, database: Database) -> None:
    await audit.happened(call("CA1", ANN, "hello"))
    async with database.transaction() as connection:  # as docs/operating.md says
        old = (await connection.execute(select(table))).all()
        await connection.execute(delete(table))
        await connection.execute(update(audit_head).values(seq=0, hash=""))
    await audit.happened(call("CA2", ANN, "again"))
    verdict = await audit.verify()
    assert (verdict.whole, verdict.entries) == (True, 2)
    assert await audit.forget(ANN) == 2
    async with database.reading() as connection:
        holders = set((await connection.execute(select(audit_holders.c.id))).scalars())
    assert not {row.holder for row in old} & holders, "their key is gone"
    assert (await audit.verify()).whole


async def test_the_same_event_again_is_no_entry(audit: Audit) -> None:
    events = call("CA1", ANN, "hello")
    await audit.happened(events)
    await audit.happened([*events, *call("CA2", ANN)])
    await audit.happened([*events, *events])
    assert (await audit.verify()).entries == 3


async def test_who_looks_at_a_call_is_noted_once_an_hour(
    audit: Audit, database: Database, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Audit(database, sealer)
    for _ in range(3):
        await audit.looked("ann", "CA1")
        await replica.looked("ann", "CA1")
    await audit.looked("bob", "CA1")
    assert [(each.who, each.subject) for each in await audit.page(kind="call.looked_at")] == [
        ("bob", "CA1"),
        ("ann", "CA1"),
    ]
    monkeypatch.setattr(trail, "MAX_LOOKS", 1)
    await audit.looked("ann", "CA2")
    await audit.looked("ann", "CA1")
    assert len(await audit.page(kind="call.looked_at")) == 3, "forgotten here, and known to the database"
    assert (await audit.verify()).whole


async def test_a_caller_is_forgotten_and_the_chain_still_verifies(audit: Audit, database: Database) -> None:
    await audit.happened([*call("CA1", ANN, "my secret"), *call("CA2", BOB, "another")])
    await audit.happened(call("CA3", "+1 (555) 010-0001", "again me"))
    await audit.note("sue", "call.looked_at", "CA1", {"number": ANN}, number=ANN)
    assert await audit.forget(ANN, "sue") == 5
    assert await audit.forget(ANN) == 0
    verdict = await audit.verify()
    assert (verdict.whole, verdict.unreadable, verdict.entries) == (True, 5, 8)
    told = {(each.subject, each.kind): each.detail for each in await audit.page()}
    assert told["CA1", "turn"] is None
    assert told["CA2", "turn"] == {"text_pii": "another"}
    assert told["a caller", "caller.forgotten"] is not None
    async with database.reading() as connection:
        rows = (await connection.execute(select(table))).all()
    assert not any(b"secret" in row.sealed or ANN in str(row) for row in rows)


async def test_what_a_forgotten_caller_goes_on_to_say_is_not_readable_either(audit: Audit) -> None:
    await audit.happened(call("CA1", ANN, "hello"))
    await audit.forget(ANN)
    await audit.happened([Happening("CA1/1.1/9/0.0", "turn", "CA1", 9000, {"text_pii": "still here"})])
    assert (await audit.page(limit=1))[0].detail is None
    assert (await audit.verify()).whole


async def test_a_first_event_that_comes_late_still_makes_it_theirs(audit: Audit) -> None:
    started, turn = call("CA1", ANN, "hello")
    await audit.happened([turn])
    await audit.happened([started])
    assert await audit.forget(ANN) == 2


async def tampered(database: Database, statement: Any) -> None:
    async with database.transaction() as connection:
        await connection.execute(statement)


FAULTS: list[tuple[str, Any, int, str]] = [
    ("a field", update(table).where(table.c.seq == 2).values(kind="signal"), 2, "its fields are not those"),
    ("the time", update(table).where(table.c.seq == 2).values(at_ms=5), 2, "its fields are not those"),
    ("who", update(table).where(table.c.seq == 3).values(who="eve"), 3, "its fields are not those"),
    ("content", update(table).where(table.c.seq == 2).values(sealed=b"x" * 40), 2, "its content is not what was"),
    ("a hole", delete(table).where(table.c.seq == 2), 2, "entry 2 is missing before entry 3"),
    ("the beginning", delete(table).where(table.c.seq == 1), 1, "entry 1 is missing"),
    ("the end", delete(table).where(table.c.seq >= 2), 2, "entries 2 to 3 are gone from the end"),
    ("a hash", update(table).where(table.c.seq == 1).values(hash="0" * 32), 1, "its fields are not those"),
    ("a stolen key", delete(audit_holders), 1, "no entry says that its caller was forgotten"),
    ("the end's name", delete(audit_head), 4, "the row that names the last entry is gone"),
]


@pytest.mark.parametrize(
    ("statement", "seq", "why"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
async def test_the_first_broken_link_is_named(
    tmp_path: Path, sealer: Sealer, statement: Any, seq: int, why: str
) -> None:
    database = await open_database(Settings.read(data_dir=tmp_path))
    audit = Audit(database, sealer)
    await audit.happened(call("CA1", ANN, "hello"))
    await audit.note("ann", "login", "ann")
    await tampered(database, statement)
    verdict = await audit.verify()
    assert (verdict.broken, verdict.whole) == (seq, False)
    assert why in verdict.why
    await database.close()


async def test_who_can_write_the_database_cannot_make_another_chain(audit: Audit, database: Database) -> None:
    await audit.note("ann", "login", "ann")
    entry = Entry(2, 1, "login", "bob", "bob", "note/1", "", "0" * 32)
    async with database.reading() as connection:
        previous = (await connection.execute(select(table.c.hash))).scalar_one()
    forged = link(Sealer(b"k" * 32), previous, entry)
    row = {name: getattr(entry, name) for name in Entry.__slots__}
    await tampered(database, insert(table).values(**row, sealed=b"", previous=previous, hash=forged))
    assert (await audit.verify()).broken == 2


@pytest.mark.postgres
async def test_two_replicas_do_not_fork_the_chain(tmp_path: Path, url: str, sealer: Sealer) -> None:
    settings = Settings.read(backoffice_database_url=url, data_dir=tmp_path)
    one, other = await open_database(settings), await open_database(settings)

    async def works(audit: Audit, name: str) -> None:
        for n in range(20):
            await audit.happened(call(f"{name}{n}", ANN if n % 2 else BOB, "hello"))
            await audit.happened(call(f"both{n}", BOB, "hello"))
            await audit.note(name, "login", name)

    await asyncio.gather(works(Audit(one, sealer), "one"), works(Audit(other, sealer), "other"))
    verdict = await Audit(one, sealer).verify()
    assert (verdict.whole, verdict.entries) == (True, 2 * 20 * 3 + 20 * 2)
    await one.close()
    await other.close()


async def test_a_detail_that_is_too_large_is_left_out_and_that_is_said(audit: Audit) -> None:
    await audit.note("ann", "config.changed", "PARLEY_X", {"to": "x" * 40_000})
    (entry,) = await audit.page()
    assert entry.detail is not None
    assert "left_out" in entry.detail
