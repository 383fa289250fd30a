"""Effects once, whoever dies: the ledger, its fences, and a tools process killed halfway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from parley.errors import AlreadyExists, Misconfigured, Superseded, Unavailable
from services.tools.contract import Intent, Row
from services.tools.execution.ledger import Ledger
from tests.tools.conftest import Gate, Journal
from tests.tools.service import STATUS, Desk, process, serving, settings, start


async def test_a_new_owner_is_told_what_was_done(desk: Desk, journal: Journal) -> None:
    arguments = {"journal": journal.path}
    done = await desk.execute("book_visit", 3, (1, 1), arguments=arguments)
    await desk.execute("ask_supplier", 4, (1, 1), arguments=arguments)
    rows = await desk.settle((1, 2))
    assert [(row.intent, row.name, row.running) for row in rows] == [(3, "book_visit", False)]
    assert json.loads(rows[0].arguments_json) == arguments
    assert rows[0].outcome == done
    assert await desk.settle((1, 2), call_id="CA9") == []


async def test_an_old_owner_is_superseded(desk: Desk, journal: Journal) -> None:
    arguments = {"journal": journal.path}
    await desk.settle((1, 2))
    for name in ("book_visit", "ask_supplier"):
        with pytest.raises(Superseded, match=r"newer owner than epoch 1\.1"):
            await desk.execute(name, 1, (1, 1), arguments=arguments)
    with pytest.raises(Superseded):
        await desk.settle((1, 1))
    assert journal.text() == ""
    assert (await desk.execute("book_visit", 1, (2, 0), arguments=arguments)).status == STATUS.STATUS_OK
    with pytest.raises(Superseded):
        await desk.execute("book_visit", 2, (1, 9), arguments=arguments)


async def test_the_fence_and_the_rows_outlive_the_process(tmp_path: Path, journal: Journal) -> None:
    chosen = settings(tmp_path / "data")
    arguments = {"journal": journal.path}
    async with serving(chosen) as desk:
        done = await desk.execute("book_visit", 1, (1, 1), arguments=arguments)
        await desk.settle((1, 2))
    async with serving(chosen) as desk:
        with pytest.raises(Superseded):
            await desk.execute("book_visit", 2, (1, 1), arguments=arguments)
        assert await desk.execute("book_visit", 1, (1, 2), arguments=arguments) == done
        for name, other in (("book_visit", {**arguments, "gate": ""}), ("reserve_stand", arguments)):
            with pytest.raises(AlreadyExists, match="intent 1 of this call"):
                await desk.execute(name, 1, (1, 2), arguments=other)
        with pytest.raises(AlreadyExists):
            await desk.execute("book_visit", 1, (1, 2), arguments={"wrong": 1})
    assert journal.text() == "booked CA1/1\n"


async def test_killed_halfway_it_is_unknown_and_not_done_again(tmp_path: Path, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with process(tmp_path / "data") as tools:
        stream = await tools.desk.open("book_visit", 1, arguments=arguments)
        assert (await stream.read()).progress.text
        await asyncio.to_thread(gate.arrived)
        await tools.kill()
    async with process(tmp_path / "data") as tools:
        (row,) = await tools.desk.settle((1, 2))
        assert (row.intent, row.running, row.outcome.status) == (1, False, STATUS.STATUS_UNKNOWN)
        outcome = await tools.desk.execute("book_visit", 1, (1, 2), arguments=arguments)
        assert outcome.status == STATUS.STATUS_UNKNOWN
        assert "not known" in outcome.message
    assert journal.text() == "booked CA1/1\n"


async def test_killed_halfway_what_may_be_done_twice_is_done_again(
    tmp_path: Path, journal: Journal, gate: Gate
) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with process(tmp_path / "data") as tools:
        await tools.desk.open("reserve_stand", 1, arguments=arguments)
        await asyncio.to_thread(gate.arrived)
        await tools.kill()
    gate.open()
    async with serving(settings(tmp_path / "data")) as desk:
        (row,) = await desk.settle((1, 2))
        assert row.outcome.status == STATUS.STATUS_UNKNOWN
        again = asyncio.create_task(desk.execute("reserve_stand", 1, (1, 2), arguments=arguments))
        await asyncio.to_thread(gate.arrived)
        gate.open()
        assert (await again).status == STATUS.STATUS_OK
        assert (await desk.settle((1, 2)))[0].outcome == await again
    assert journal.text() == "reserved\nreserved\n"


async def test_asked_to_stop_it_lets_a_booking_end(tmp_path: Path, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    async with process(tmp_path / "data") as tools:
        stream = await tools.desk.open("book_visit", 1, arguments=arguments)
        await asyncio.to_thread(gate.arrived)
        stream.cancel()
        tools.process.terminate()
        gate.open()
        assert await tools.process.wait() == 0
    async with serving(settings(tmp_path / "data")) as desk:
        (row,) = await desk.settle((1, 2))
        assert row.outcome.status == STATUS.STATUS_OK


async def test_a_second_replica_on_sqlite_refuses_to_start(tmp_path: Path) -> None:
    async with serving(settings(tmp_path / "data")):
        second = await start(tmp_path / "data")
        _, complaint = await second.communicate()
    assert second.returncode == 2
    assert complaint.decode().startswith("parley tools: another tools process uses ")
    assert "PARLEY_DATABASE_URL" in complaint.decode()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://a:hunter2@h/b", "PARLEY_DATABASE_URL: mysql is not supported; use postgresql://"),
        ("not a url hunter2", "PARLEY_DATABASE_URL: not a URL"),
        ("postgresql://a:hunter2@127.0.0.1:1/b", "PARLEY_DATABASE_URL: the database cannot be opened"),
    ],
)
async def test_a_wrong_database_is_named_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        async with serving(settings(tmp_path, url=url)):
            pass
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_a_broken_agent_is_left_out_unless_it_answers_the_phone(tmp_path: Path) -> None:
    for name, source in (("good", ""), ("bad", "def f(:\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You are A.\n")
        (tmp_path / name / "tools.py").write_text(source)
    async with serving(settings(tmp_path / "data", tmp_path, "good")) as desk:
        assert await desk.list("good") == {}
        with pytest.raises(Misconfigured, match=r"tools.py, line 1: SyntaxError"):
            await desk.list("bad")
    with pytest.raises(Misconfigured, match=r"tools.py, line 1: SyntaxError"):
        async with serving(settings(tmp_path / "data", tmp_path, "bad")):
            pass


async def test_the_ledger_fails_at_the_start_and_nothing_is_done(
    desk: Desk, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim was committed and its answer lost, twice: it is taken back, and the next attempt does it."""
    real, lost = Ledger.claim, 2

    async def claim(self: Ledger, intent: Intent, name: str) -> Row | None:
        nonlocal lost
        row = await real(self, intent, name)
        lost -= 1
        if lost >= 0:
            raise Unavailable("the tools database is lost: test")
        return row

    monkeypatch.setattr(Ledger, "claim", claim)
    with pytest.raises(Unavailable, match="the tools database is lost"):
        await desk.execute("book_visit", 1, arguments={"journal": journal.path})
    assert journal.text() == ""
    while await desk.settle((1, 1)):  # noqa: ASYNC110 - the service takes it back in its own time
        await asyncio.sleep(0.01)
    assert (await desk.execute("book_visit", 1, arguments={"journal": journal.path})).status == STATUS.STATUS_OK
    lost = 1
    assert (await desk.execute("book_visit", 2, arguments={"journal": journal.path})).status == STATUS.STATUS_OK
    assert journal.text() == "booked CA1/1\nbooked CA1/2\n"
