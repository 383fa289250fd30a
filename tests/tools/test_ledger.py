"""The ledger by itself, on SQLite."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Misconfigured, Unavailable
from parley.v1 import tools_pb2
from services.tools.contract import Intent, Key, Outcome, Row, failed
from services.tools.database import HOME, MIGRATIONS, Database, open_database
from services.tools.execution import ledger as ledger_module
from services.tools.execution.ledger import MAX_ROWS, Ledger
from services.tools.tables import fences, ledger, metadata

DONE = Outcome(status=Outcome.STATUS_OK, result_json="{}")
BOOK = Intent("CA1", 1, (1, 1), "workshop", "book_visit", {"day": "friday", "time": "ten"})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database("", tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def rows(database: Database) -> Ledger:
    return Ledger(database, "replica-1")


def test_the_same_thing_said_in_another_order_is_the_same_thing() -> None:
    turned = dataclasses.replace(BOOK, arguments={"time": "ten", "day": "friday"})
    assert turned.hash == BOOK.hash
    assert dataclasses.replace(BOOK, arguments={"day": "friday"}).hash != BOOK.hash
    assert dataclasses.replace(BOOK, name="cancel_visit").hash != BOOK.hash


async def test_a_claim_may_be_repeated_but_not_by_another(rows: Ledger) -> None:
    assert await rows.claim(BOOK, "mine") is None
    assert await rows.claim(BOOK, "mine") is None
    row = await rows.claim(BOOK, "other")
    assert row is not None
    assert (row.executor, row.claim, row.hash, row.outcome) == ("replica-1", "mine", BOOK.hash, None)


async def test_only_one_takes_over_and_none_once_it_ended(rows: Ledger) -> None:
    await rows.claim(BOOK, "dead")
    assert await rows.take_over(BOOK.key, "dead", "second")
    assert not await rows.take_over(BOOK.key, "dead", "third")
    await rows.finish(BOOK.key, "second", DONE)
    assert not await rows.take_over(BOOK.key, "second", "third")


WHOLE: dict[str, Any] = {"say": tools_pb2.SayNotice(text="By law: \u00fc", interruptible=True), "level": 2}
HANG_UP: dict[str, Any] = {"hang_up": tools_pb2.HangUpThen(reason="done")}
TRANSFER: dict[str, Any] = {"transfer": tools_pb2.TransferThen(to="+15550100199", reason="refund")}


@pytest.mark.parametrize("more", [{}, HANG_UP, {"hang_up": tools_pb2.HangUpThen()}, TRANSFER, WHOLE])
async def test_the_first_outcome_stays(rows: Ledger, more: dict[str, Any]) -> None:
    first = Outcome(status=Outcome.STATUS_OK, result_json='{"summary":"Booked."}', **more)
    await rows.claim(BOOK, "mine")
    await rows.finish(BOOK.key, "another", DONE)
    await rows.finish(BOOK.key, "mine", first)
    await rows.finish(BOOK.key, "mine", failed("late"))
    found = await rows.find(BOOK.key)
    assert found is not None
    assert found.outcome == first


_OLD = '"message":"","hang_up":null,"transfer":null,"say":null,"level":0'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f'{{"status":"ok","result":"{{}}",{_OLD}}}', DONE),
        ('{"status":"failed","result":"","message":"late","hang_up":null,"transfer":null}', failed("late")),
        (
            '{"status":"ok","result":"{}","message":"","hang_up":{"reason":""},"transfer":null,"say":null}',
            Outcome(status=Outcome.STATUS_OK, result_json="{}", hang_up=tools_pb2.HangUpThen()),
        ),
        (
            '{"status":"ok","result":"{}","message":"","hang_up":null,"transfer":{"to":"+15550100199","reason":"refund"},'
            '"say":{"text":"By law: \u00fc","interruptible":true},"level":2}',
            Outcome(status=Outcome.STATUS_OK, result_json="{}", **TRANSFER, **WHOLE),
        ),
    ],
)
async def test_an_outcome_of_an_older_version_is_read(
    database: Database, rows: Ledger, written: str, read: Outcome
) -> None:
    await rows.claim(BOOK, "mine")
    async with database.transaction() as connection:
        await connection.execute(update(ledger).values(outcome_pii=written))
    found = await rows.find(BOOK.key)
    assert found is not None
    assert found.outcome == read


async def test_a_claim_whose_work_never_began_is_taken_back(rows: Ledger) -> None:
    await rows.claim(BOOK, "mine")
    await rows.release(BOOK.key, "other")
    assert await rows.find(BOOK.key) is not None
    await rows.release(BOOK.key, "mine")
    assert await rows.claim(BOOK, "other") is None
    await rows.finish(BOOK.key, "other", DONE)
    await rows.release(BOOK.key, "other")
    assert await rows.find(BOOK.key) is not None


async def test_a_claim_that_meets_one_being_taken_back_is_written_or_nothing_is_done(
    rows: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: the other row is taken back by a transaction that ends between our looking and our reading."""
    real, gone = ledger_module._find, 1

    async def find(connection: AsyncConnection, key: Key) -> Row | None:
        nonlocal gone
        gone -= 1
        if gone < 0:
            return await real(connection, key)
        await connection.execute(delete(ledger).where(ledger.c.claim == "lost"))
        return None

    monkeypatch.setattr(ledger_module, "_find", find)
    await rows.claim(BOOK, "lost")
    assert await rows.claim(BOOK, "mine") is None
    row = await rows.find(BOOK.key)
    assert row is not None
    assert row.claim == "mine", "an effect is never done without its row"

    async def never(connection: AsyncConnection, key: Key) -> Row | None:
        return None

    monkeypatch.setattr(ledger_module, "_find", never)
    with pytest.raises(Unavailable, match="intent 1 of this call stood in the ledger, and was gone, 3 times"):
        await rows.claim(BOOK, "other")


async def test_a_call_with_very_many_intents_tells_the_newest(rows: Ledger) -> None:
    for n in range(1, MAX_ROWS + 6):
        await rows.claim(dataclasses.replace(BOOK, number=n), f"c{n}")
    settled = await rows.settle("CA1", (1, 2))
    assert [row.intent for row in settled] == list(range(6, MAX_ROWS + 6))


async def test_old_calls_are_forgotten_and_new_ones_kept(database: Database, rows: Ledger) -> None:
    await rows.claim(BOOK, "old")
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE ledger SET started_at = datetime('now', '-31 days')"))
        await connection.execute(text("UPDATE fences SET touched_at = datetime('now', '-31 days')"))
    await rows.claim(dataclasses.replace(BOOK, call_id="CA2"), "new")
    assert await rows.purge() == 1
    async with database.transaction() as connection:
        for table in (ledger, fences):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar() == 1


async def test_the_migrations_make_the_tables(database: Database) -> None:
    async with database.transaction() as connection:
        changes = await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
    assert changes == []


async def at_revision(folder: Path, revision: str) -> None:
    opened = await open_database("", folder)
    async with opened.transaction() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :here"), {"here": revision})
    await opened.close()


async def test_migrations_are_named_by_their_revision_and_an_unknown_one_is_said_clearly(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HOME.newest_revision()
    await at_revision(tmp_path, "nobodys")
    with pytest.raises(Misconfigured, match="Can't locate revision identified by 'nobodys'"):
        await open_database("", tmp_path)


async def test_a_version_that_is_rolled_back_to_works_on_the_database_of_the_newer_one(tmp_path: Path) -> None:
    await at_revision(tmp_path, "9999")
    opened = await open_database("", tmp_path)
    async with opened.transaction() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"
        assert (await connection.execute(select(func.count()).select_from(ledger))).scalar() == 0
    await opened.close()


# What 0003 changes in place no version without it ever met.
TAKES_AWAY = {"0003_records_written.py": ["table.alter_column", "table.alter_column"]}


def test_migrations_only_add_so_that_the_version_before_still_works() -> None:
    for path in sorted(MIGRATIONS.glob("versions/[0-9]*_*.py")):
        upgrade = path.read_text().partition("def upgrade()")[2].partition("def downgrade()")[0]
        found = re.findall(r"\w+\.(?:drop_\w+|alter_column|rename_table|execute|create_check_constraint)", upgrade)
        assert found == TAKES_AWAY.get(path.name, []), path.name
        for column in re.findall(r"add_column\((.*)\)", upgrade):
            assert "nullable=True" in column or "server_default" in column, f"{path.name}: {column}"


async def test_a_commit_is_durable(database: Database) -> None:
    async with database.transaction() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 2
