"""Calls that are over are forgotten: nothing that says who was in them is left, and nothing is done a second time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from parley.bus import Bus
from parley.bus.forgetting import MOST, SUBJECT, forget_in_tools
from parley.errors import Unavailable
from parley.settings import Settings
from parley.tooling import CallContext
from parley.v1 import tools_pb2
from runner.nats_users import passwords
from runner.plan import SERVICES
from services.tools.contract import Intent, Outcome
from services.tools.database import Database
from services.tools.discovery import Toolboxes
from services.tools.execution.executor import Executor
from services.tools.execution.ledger import Ledger
from services.tools.execution.presence import Presence
from services.tools.forgetting import AUDIT, LEDGER, Forgetting
from services.tools.identity.tries import CALL, NUMBER, RECORD, Subject, Tries
from services.tools.queries.results import Results
from services.tools.queries.sandbox import Found
from services.tools.records.agent_records import AgentRecords
from services.tools.records.store import RecordStore
from services.tools.tables import metadata
from services.tools.vault.vault import Vault
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_cluster
from tests.tools.conftest import Gate, Journal
from tests.tools.service import AGENTS, STATUS, serving

DONE = Outcome(status=Outcome.STATUS_OK, result_json='{"name": "Nora Quinn"}', message="Nora is booked.")


def booking(call_id: str, number: int, confirmed: str = "") -> Intent:
    return Intent(call_id, number, (1, 1), "bank", "book_visit", {"name": "Nora Quinn"}, confirmed=confirmed)


def forgetting(database: Database) -> Forgetting:
    ledger, presence = Ledger(database, "one"), Presence(database, "one")
    boxes = Toolboxes(AGENTS, database)
    executor = Executor(boxes, ledger, presence, "one", lambda *_: pytest.fail("no tool"))
    return Forgetting(database, executor, presence, "one")


async def a_call(database: Database, call_id: str) -> None:
    """With something in every store."""
    ledger, records = Ledger(database, "one"), RecordStore(database)
    for number, yes in ((1, ""), (2, "1.abc")):
        assert await ledger.claim(booking(call_id, number, yes), "mine") is None
        await ledger.finish((call_id, number), "mine", DONE)
    assert await Ledger(database, "died").claim(booking(call_id, 3), "mine") is None
    rows = AgentRecords(records, "bank", f"{call_id}/1")
    context = CallContext(call_id, "", "bank", f"{call_id}/1", "", datetime.now(UTC), rows, customer="Nora", level=2)
    await context.audit("card blocked", reason="Nora lost it")
    await rows.add("visits", {"who": "Nora Quinn"})
    found = Found(("name",), (("Nora Quinn",),), True)
    await Results(database).keep(call_id, "r1", "bank", "Nora", found, {})
    await Vault(database, "k" * 32).keep(call_id, "card-kwtm", "card", "4242424242424242")
    caller = "5550109999" if call_id == "CA1" else "5550100001"
    tried = [Subject(CALL, call_id), Subject(NUMBER, caller), Subject("", f"{call_id}/0"), Subject(RECORD, "C1")]
    await Tries(database, "bank").count(tried, 600, f"{call_id}/1")


async def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    found = {}
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(table.select().order_by(*table.primary_key))
            found[table.name] = [dict(row) for row in rows.mappings()]
    return found


async def test_what_says_who_it_was_goes_from_every_store_and_what_was_done_stays(database: Database) -> None:
    await a_call(database, "CA2")
    others = await everything(database)
    await a_call(database, "CA1")
    forgotten = await forgetting(database).forget(["CA1", "CA9"])
    assert {each.name: each.count for each in forgotten.stores} == {
        "arguments and results of actions": 3,
        "agents' own audits": 1,
        "results of queries": 1,
        "card numbers": 1,
        "tries to show who one is": 3,
    }
    kept = {each.what: each.count for each in forgotten.kept}
    assert (kept[LEDGER], kept[AUDIT], len(kept)) == (3, 1, 3)
    assert any("records of bank in 'visits'" in what for what in kept)

    left = await everything(database)
    mine = [row for name, rows in left.items() if name != "records" for row in rows if row not in others[name]]
    assert not any("Nora" in str(row) or "5550109999" in str(row) for row in mine)
    actions = [row for row in left["ledger"] if row["call_id"] == "CA1"]
    assert [orjson.loads(str(row["outcome_pii"])) for row in actions] == [
        {"status": "STATUS_OK"},
        {"status": "STATUS_OK"},
        {"status": "STATUS_UNKNOWN"},
    ]
    assert all(row["ended_at"] and row["name"] == "book_visit" for row in actions)
    (entry,) = [orjson.loads(str(row["entry_pii"])) for row in left["audit"] if row["intent"] == "CA1/1"]
    assert (entry.keys(), entry["what"]) == ({"what", "level", "at", "call"}, "card blocked")
    for name in ("ledger", "audit", "query_results", "vault"):
        assert all(row in left[name] for row in others[name]), "the other call is as it was"
    assert [row["who_pii"] for row in left["identity_tries"] if row["kind"] == RECORD] == ["C1"]

    again = await forgetting(database).forget(["CA1"])
    assert not any(store.count for store in again.stores)


async def test_nothing_is_done_again_that_was_forgotten(database: Database) -> None:
    await a_call(database, "CA1")
    await forgetting(database).forget(["CA1"])
    ledger = Ledger(database, "two")
    for intent in (booking("CA1", 1), booking("CA1", 7, confirmed="1.abc")):  # the same yes, under another intent
        row = await ledger.claim(intent, "again")
        assert row is not None
        assert (row.hash, row.outcome) == (booking("CA1", 1).hash, Outcome(status=Outcome.STATUS_OK))
    died = await ledger.claim(booking("CA1", 3), "again")
    assert died is not None
    assert died.outcome == Outcome(status=Outcome.STATUS_UNKNOWN), "it cannot be taken over any more"


async def test_too_many_and_nonsense_are_refused(database: Database) -> None:
    many = tools_pb2.ForgetCalls(call_ids=[f"CA{n}" for n in range(MOST + 1)]).SerializeToString()
    for asked, words in ((many, "501; 500 are allowed"), (b"\xff", "cannot be read")):
        answer = tools_pb2.CallsForgotten.FromString(await forgetting(database).answer(asked))
        assert words in answer.error


async def test_the_operator_alone_asks_and_a_call_with_an_action_under_way_is_left(
    tmp_path: Path, journal: Journal, gate: Gate
) -> None:
    users = passwords((*SERVICES, "operator", "backoffice"))
    async with nats_cluster(tmp_path, 1, users) as cluster:

        def known(name: str) -> dict[str, str]:
            return {"nats_url": cluster.url, "nats_user": name, "nats_password": users[name]}

        operator = Bus(Settings.read(**known("operator")), "command")
        async with operator:
            assert await operator.ready(PATIENCE_S)
            with pytest.raises(Unavailable, match="nobody answers at tools.forget; start it"):
                await forget_in_tools(operator, ["CA1"])
            chosen = Settings.read(
                agents_dir=AGENTS, data_dir=tmp_path / "data", agent="workshop", drain_s=1.0, **known("tools")
            )
            async with serving(chosen) as desk:
                done = await desk.execute("book_visit", 1, arguments={"journal": journal.path})
                waiting = {"journal": journal.path, "gate": gate.path}
                stream = await desk.open("book_visit", 1, call_id="CA2", arguments=waiting)
                await asyncio.to_thread(gate.arrived)
                async with asyncio.timeout(PATIENCE_S):
                    while True:
                        try:
                            forgotten = await forget_in_tools(operator, ["CA1", "CA2"])
                            break
                        except Unavailable:  # it connects in the background
                            await asyncio.sleep(0.05)
                assert [store.count for store in forgotten.stores] == [1, 0, 0, 0, 0]
                assert list(forgotten.running) == ["CA2"]
                gate.open()
                assert [event async for event in stream][-1].outcome == done
                again = await desk.execute("book_visit", 1, arguments={"journal": journal.path})
                assert (again.status, again.result_json) == (STATUS.STATUS_OK, "")
                (row,) = await desk.settle((1, 2))
                assert (row.name, row.arguments_json, row.outcome) == ("book_visit", "{}", again)
                await _nobody_else_asks(cluster.url, users)
        assert journal.text() == "booked CA1/1\nbooked CA2/1\n"


async def _nobody_else_asks(url: str, users: dict[str, str]) -> None:
    for name in ("orchestrator", "backoffice", "gateway", "tools"):
        async with Bus(Settings.read(nats_url=url, nats_user=name, nats_password=users[name]), name) as bus:
            assert await bus.ready(PATIENCE_S)
            client = bus.client
            with pytest.raises((NatsTimeout, NoRespondersError)):
                await client.request(SUBJECT, b"", timeout=0.2)  # type: ignore[attr-defined]
