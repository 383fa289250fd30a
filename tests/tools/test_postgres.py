"""The same promises with several replicas on one PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from parley.errors import Superseded, Unavailable
from services.tools.database import open_database
from services.tools.execution import presence
from services.tools.execution.presence import Presence
from services.tools.tables import metadata
from testbed.patience import PATIENCE_S
from testbed.servers import postgres
from tests.tools.conftest import Gate, Journal
from tests.tools.service import STATUS, process, serving, settings

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(postgres.binary("postgres") is None, reason=postgres.INSTALL),
]


async def test_two_replicas_start_together_and_share_the_ledger(tmp_path: Path, url: str, journal: Journal) -> None:
    one, other = settings(tmp_path / "1", url=url), settings(tmp_path / "2", url=url)
    arguments = {"journal": journal.path}
    async with serving(one) as first, serving(other) as second:
        done = await first.execute("book_visit", 1, arguments=arguments)
        assert await second.execute("book_visit", 1, arguments=arguments) == done
        assert [row.outcome for row in await second.settle((1, 2))] == [done]
        with pytest.raises(Superseded):
            await first.execute("book_visit", 2, (1, 1), arguments=arguments)
    assert journal.text() == "booked CA1/1\n"


async def test_replicas_that_start_at_once_migrate_once(tmp_path: Path, url: str) -> None:
    databases = await asyncio.gather(*(open_database(url, tmp_path) for _ in range(3)))
    async with databases[0].transaction() as connection:
        difference = await connection.run_sync(
            lambda plain: compare_metadata(MigrationContext.configure(plain), metadata)
        )
    assert difference == []
    for database in databases:
        await database.close()


async def test_asked_at_both_replicas_at_once_it_is_done_once(
    tmp_path: Path, url: str, journal: Journal, gate: Gate
) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with serving(settings(tmp_path, url=url)) as first, serving(settings(tmp_path, url=url)) as second:
        asked = [asyncio.create_task(desk.execute("book_visit", 1, arguments=arguments)) for desk in (first, second)]
        await asyncio.to_thread(gate.arrived)
        assert [row.running for row in await first.settle((1, 1))] == [True]
        assert [row.running for row in await second.settle((1, 1))] == [True]
        gate.open()
        outcomes = await asyncio.gather(*asked)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].status == STATUS.STATUS_OK
    assert journal.text() == "booked CA1/1\n"


async def test_many_owners_at_once_do_it_once(tmp_path: Path, url: str, journal: Journal) -> None:
    arguments = {"journal": journal.path}
    async with serving(settings(tmp_path, url=url)) as first, serving(settings(tmp_path, url=url)) as second:
        asked = [
            desk.execute("book_visit", 1, (1, opened), arguments=arguments)
            for opened in range(1, 9)
            for desk in (first, second)
        ]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    answered = [outcome for outcome in outcomes if not isinstance(outcome, Superseded)]
    assert answered
    assert {outcome.status for outcome in answered if not isinstance(outcome, BaseException)} == {STATUS.STATUS_OK}
    assert not [outcome for outcome in answered if isinstance(outcome, BaseException)]
    assert journal.text() == "booked CA1/1\n"


async def test_a_replica_is_killed_and_the_other_knows(tmp_path: Path, url: str, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with serving(settings(tmp_path, url=url)) as second:
        async with process(tmp_path, url) as first:
            await first.desk.open("book_visit", 1, arguments=arguments)
            await asyncio.to_thread(gate.arrived)
            await first.kill()
        gate.open()
        outcome = await second.execute("book_visit", 1, (1, 2), arguments=arguments)
        assert outcome.status == STATUS.STATUS_UNKNOWN
        (row,) = await second.settle((1, 3))
        assert (row.running, row.outcome.status) == (False, STATUS.STATUS_UNKNOWN)
    assert journal.text() == "booked CA1/1\n"


async def test_the_end_of_a_process_is_known_at_once(
    tmp_path: Path, url: str, journal: Journal, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its lock: with beats alone this would take a minute."""
    monkeypatch.setattr(presence, "LEASE_S", 60.0)
    monkeypatch.setattr(Presence, "_trusts_locks", lambda _: True)
    arguments = {"journal": journal.path, "gate": gate.path}
    async with serving(settings(tmp_path, url=url)) as second:
        async with process(tmp_path, url) as first:
            await first.desk.open("book_visit", 1, arguments=arguments)
            await asyncio.to_thread(gate.arrived)
            assert [row.running for row in await second.settle((1, 2))] == [True]
            await first.kill()
        gate.open()
        async with asyncio.timeout(PATIENCE_S):
            outcome = await second.execute("book_visit", 1, (1, 2), arguments=arguments)
    assert outcome.status == STATUS.STATUS_UNKNOWN
    assert journal.text() == "booked CA1/1\n"


@pytest.fixture
def long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute, and half of it for whose lock is gone: no machine is too slow for these tests."""
    monkeypatch.setattr(presence, "LEASE_S", 60.0)
    monkeypatch.setattr(presence, "LOST_S", 30.0)


@pytest.mark.usefixtures("long_leases")
async def test_a_replica_that_lost_its_lock_and_lives_is_not_taken_for_dead(tmp_path: Path, url: str) -> None:
    database = await open_database(url, tmp_path)
    one, other = Presence(database, "one"), Presence(database, "other")
    await one.beat()
    await other.beat()
    other._locked_at -= presence.LEASE_S
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l, executors e WHERE e.instance = 'one'"
                " AND l.locktype = 'advisory' AND (l.classid::bigint << 32) | l.objid::bigint = e.lock"
            )
        )
    assert await other.alive() == {"one", "other"}, "its last beat is not old"
    await one.beat()
    assert await one.alive() == {"one", "other"}
    await one.beat()
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE executors SET beat_at = now() - interval '40 seconds'"))
    assert await other.alive() == {"one", "other"}, "it has a lock again"
    await one.close()
    assert await other.alive() == {"other"}
    await other.close()
    await database.close()


@pytest.mark.usefixtures("long_leases")
async def test_without_a_lock_the_beats_alone_tell(tmp_path: Path, url: str) -> None:
    """As behind a pooler, or from an older version."""
    database = await open_database(url, tmp_path)
    one, other = Presence(database, "one"), Presence(database, "other")
    await one.beat()
    await other.beat()
    other._locked_at -= presence.LEASE_S
    async with database.transaction() as connection:
        await connection.execute(
            text("UPDATE executors SET lock = NULL, beat_at = now() - interval '40 seconds' WHERE instance = 'one'")
        )
    await one.close()
    assert await other.alive() == {"one", "other"}
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE executors SET beat_at = now() - interval '61 seconds'"))
    assert await other.alive() == {"other"}
    await other.close()
    await database.close()


async def test_the_database_goes_away_in_the_middle_and_the_outcome_is_kept(
    tmp_path: Path, journal: Journal, gate: Gate
) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    with postgres.server() as url:
        serving_there = serving(settings(tmp_path, url=f"{url}/postgres"))
        desk = await serving_there.__aenter__()
        asked = asyncio.create_task(desk.execute("book_visit", 1, arguments=arguments))
        await asyncio.to_thread(gate.arrived)
    gate.open()
    assert (await asked).status == STATUS.STATUS_OK
    with pytest.raises(Unavailable, match="the tools database"):
        await desk.execute("book_visit", 2, arguments=arguments)
    assert (await desk.execute("out_of_stock", 3)).status == STATUS.STATUS_FAILED
    await serving_there.__aexit__(None, None, None)
    assert journal.text() == "booked CA1/1\n"


async def test_a_frozen_replica_is_given_up_and_its_late_outcome_kept(
    tmp_path: Path, url: str, journal: Journal, gate: Gate
) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with serving(settings(tmp_path, url=url)) as second, process(tmp_path, url) as first:
        await first.desk.open("book_visit", 1, arguments=arguments)
        await asyncio.to_thread(gate.arrived)
        first.process.send_signal(signal.SIGSTOP)
        outcome = await second.execute("book_visit", 1, (1, 2), arguments=arguments)
        assert outcome.status == STATUS.STATUS_UNKNOWN
        first.process.send_signal(signal.SIGCONT)
        gate.open()
        async with asyncio.timeout(PATIENCE_S):
            while outcome.status == STATUS.STATUS_UNKNOWN:
                outcome = await second.execute("book_visit", 1, (1, 2), arguments=arguments)
    assert outcome.status == STATUS.STATUS_OK
    assert journal.text() == "booked CA1/1\n"
