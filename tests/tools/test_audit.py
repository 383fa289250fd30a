"""What is audited: it is one with its effect, and neither a new data version nor a full collection ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from parley.agents.agent import Agent
from parley.agents.records import Data
from parley.tooling import CallContext, ToolError
from services.tools.builtin.auditing import audit as audit_of
from services.tools.database import Database
from services.tools.execution.ledger import AUDIT_DAYS, Ledger
from services.tools.records import changes
from services.tools.records.agent_records import AgentRecords
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore
from services.tools.tables import audit

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def call(database: Database, intent: int = 1, now: datetime = NOW) -> CallContext:
    """The call of Nora, who has proven level 2."""
    key = f"CA1/{intent}"
    store = AgentRecords(RecordStore(database), "bank", key)
    return CallContext("CA1", "", "bank", key, "", now, store, customer="C1", level=2)


async def kept(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """Intent and entry, in the order of intents."""
    async with database.reading() as connection:
        rows = (await connection.execute(audit.select().order_by(audit.c.intent, audit.c.entry_pii))).all()
    return [(row.intent, orjson.loads(row.entry_pii)) for row in rows]


def agent(version: int, audited: bool = False) -> Agent:
    data = Data(version=version, audit=audited)
    return Agent(name="bank", company="Test", greeting="Hello.", prompt="You answer.", data=data)


async def test_an_entry_says_who_what_when_and_is_there_once_however_often_the_intent_is_done(
    database: Database,
) -> None:
    for hour in range(2):  # the second time by another replica, an hour later
        await call(database, now=NOW + timedelta(hours=hour)).audit("balance told", account="savings")
    await call(database).audit("balance told", account="checking")
    await call(database, 2).audit("identity checked", who="C2")
    first = {"who": "C1", "level": 2, "what": "balance told", "at": "2026-11-30T09:00:00+00:00", "call": "CA1"}
    assert await kept(database) == [
        ("CA1/1", {**first, "about": {"account": "checking"}}),
        ("CA1/1", {**first, "about": {"account": "savings"}}),
        ("CA1/2", {**first, "who": "C2", "what": "identity checked", "about": {}}),
    ]
    with pytest.raises(ToolError, match="bytes as JSON"):
        await call(database).audit("told", words="x" * 20_000)


async def test_an_effect_and_its_entry_are_one(database: Database) -> None:
    async def block(intent: int, fails: bool) -> None:
        context = call(database, intent)
        async with context.records.transaction() as rows:
            await rows.put("cards", f"K{intent}", {"status": "blocked"})
            await context.audit("card blocked", card=f"K{intent}")
            if fails:
                raise ToolError("The card is on loan.")

    with pytest.raises(ToolError, match="on loan"):
        await block(1, fails=True)
    assert (await kept(database), await call(database).records.all("cards")) == ([], {})
    await block(2, fails=False)
    assert [(intent, entry["about"]) for intent, entry in await kept(database)] == [("CA1/2", {"card": "K2"})]
    assert list(await call(database).records.all("cards")) == ["K2"]


async def test_calls_go_on_when_there_is_no_room_for_records_and_whoever_writes_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_ROWS", 1)
    await call(database).records.put("audit", "a", {})
    async with RecordStore(database).alone("bank"):  # somebody else writes, for long
        for intent in range(1, 4):
            await call(database, intent).audit("balance told")
    assert len(await kept(database)) == 3


async def test_a_new_data_version_ends_records_and_not_what_is_audited(database: Database, tmp_path: Path) -> None:
    store = RecordStore(database)
    await load_seeds(store, tmp_path, agent(1))
    await call(database).records.put("cards", "K1", {})
    await call(database).audit("card blocked")
    await load_seeds(store, tmp_path, agent(2))
    assert await call(database).records.all("cards") == {}
    assert len(await kept(database)) == 1


async def test_it_is_kept_by_time_alone(database: Database) -> None:
    await call(database, 1).audit("long ago")
    old = datetime.now(UTC) - timedelta(days=AUDIT_DAYS + 1)
    async with database.transaction() as connection:
        await connection.execute(audit.update().values(written_at=old))
    await call(database, 2).audit("today")
    await Ledger(database, "one", audit_days=AUDIT_DAYS + 2).purge()
    assert len(await kept(database)) == 2
    await Ledger(database, "one").purge()
    assert [entry["what"] for _, entry in await kept(database)] == ["today"]


async def test_tools_of_parley_are_audited_where_the_agent_says_so(database: Database) -> None:
    await audit_of(agent(1), call(database, 1), "query answered")
    await audit_of(agent(1, audited=True), call(database, 2), "query answered", "C2", rows=3)
    ((intent, entry),) = await kept(database)
    assert (intent, entry["who"], entry["about"]) == ("CA1/2", "C2", {"rows": 3})
