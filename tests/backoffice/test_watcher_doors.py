"""The API of the watchers: audit, dead letters, webhooks; and the command that verifies the audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from cli.audit import audit as command
from parley.bus import Bus
from parley.bus.streams.dead_letters import DeadLetters, Letter, make_dead_letter_streams
from parley.settings import Settings
from parley.watching import Happening
from services.backoffice.database import open_database
from services.backoffice.watchers import tables
from services.backoffice.watchers.webhooks import sender
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_server
from tests.backoffice.access.conftest import House, quick, running
from tests.backoffice.receiver import receiving

__all__ = ["quick"]


@asynccontextmanager
async def with_nats(folder: Path) -> AsyncIterator[tuple[House, DeadLetters]]:
    async with nats_server(folder) as server:
        async with Bus(Settings.read(nats_url=server.url), "orchestrator") as bus:
            assert await bus.ready(PATIENCE_S)
            await make_dead_letter_streams(bus, 1)
        async with running(folder / "data", nats_url=server.url, webhooks_private=True) as house:
            assert await house.parts.bus.ready(PATIENCE_S)
            yield house, house.parts.desk.letters


async def test_dead_letters_are_listed_tried_again_and_dropped(tmp_path: Path) -> None:
    async with with_nats(tmp_path) as (house, letters):
        admin = await house.logged_in()
        assert (await admin.get("/api/dead-letters")).json() == {"items": [], "next": None}
        for n in range(3):
            await letters.put(
                Letter("outcomes", f"CA{n}/1.1/3", f"CA{n}", ("call.ended",), "ValueError: x", 5, 0, b""), str(n)
            )
        first = (await admin.get("/api/dead-letters?limit=2")).json()
        assert [each["id"] for each in first["items"]] == ["event-1", "event-2"]
        assert first["items"][0] == {
            "id": "event-1",
            "what": "event",
            "of": "outcomes",
            "host": "",
            "call_id": "CA0",
            "kinds": ["call.ended"],
            "error": "ValueError: x",
            "tries": 5,
            "at": "1970-01-01T00:00:00.000Z",
        }
        rest = (await admin.get("/api/dead-letters", params={"limit": 2, "cursor": first["next"]})).json()
        assert ([each["id"] for each in rest["items"]], rest["next"]) == (["event-3"], None)
        assert (await admin.post("/api/dead-letters/event-1/retry")).status_code == 202
        assert (await admin.delete("/api/dead-letters/event-2")).status_code == 204
        gone = await admin.delete("/api/dead-letters/event-2")
        assert (gone.status_code, gone.json()["detail"]) == (404, "there is no dead letter 2")
        assert (await admin.delete("/api/dead-letters/webhook-1")).status_code == 404
        assert (await admin.delete("/api/dead-letters/other-1")).status_code == 422
        done = (await admin.get("/api/audit", params={"kind": "dead_letter.retried"})).json()["items"]
        assert [(each["who"], each["subject"]) for each in done] == [("ada", "event-1")]


async def test_a_long_list_says_that_there_is_more(tmp_path: Path) -> None:
    async with with_nats(tmp_path) as (house, letters):
        admin = await house.logged_in()
        for n in range(202):
            await house.parts.audit.note("ann", "test", str(n))
            if n < 120:
                await letters.put(Letter("outcomes", f"CA{n}/1.1/3", f"CA{n}", ("call.ended",), "x", 5, 0, b""), str(n))
        found = (await admin.get("/api/audit", params={"kind": "test", "limit": 200})).json()
        rest = (await admin.get("/api/audit", params={"kind": "test", "limit": 200, "cursor": found["next"]})).json()
        assert ([len(found["items"]), len(rest["items"])], rest["next"]) == ([200, 2], None)
        found = (await admin.get("/api/dead-letters?limit=119")).json()
        rest = (await admin.get("/api/dead-letters", params={"limit": 119, "cursor": found["next"]})).json()
        assert ([len(found["items"]), len(rest["items"])], rest["next"]) == ([119, 1], None)


async def test_a_webhook_is_added_tried_paused_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LOOK_S", 0.05)
    async with receiving("500 Oops") as receiver, running(tmp_path, webhooks_private=True) as house:
        admin = await house.logged_in()
        made = await admin.post("/api/webhooks", json={"url": receiver.url, "kinds": ["call.ended"], "note": "crm"})
        assert made.status_code == 201
        hook = made.json()
        assert hook["secret"].startswith("whsec_")
        (shown,) = (await admin.get("/api/webhooks")).json()["items"]
        assert shown == {name: value for name, value in hook.items() if name != "secret"}
        told = (await admin.post(f"/api/webhooks/{hook['id']}/ping")).json()
        (ping,) = await receiver.until(1)
        assert ping.json["type"] == "ping"
        assert ping.headers["webhook-id"] == told["message_id"]
        assert ping.is_signed_with(hook["secret"])
        while not (waits := (await admin.get("/api/webhooks")).json()["items"][0])["error"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert (waits["waiting"], waits["error"]) == (1, "answered 500"), "seen before it is given up"
        paused = await admin.patch(f"/api/webhooks/{hook['id']}", json={"active": False})
        assert paused.json()["active"] is False
        assert (await admin.delete(f"/api/webhooks/{hook['id']}")).status_code == 204
        assert (await admin.delete(f"/api/webhooks/{hook['id']}")).status_code == 404
        kinds = [each["kind"] for each in (await admin.get("/api/audit")).json()["items"]]
        assert {"webhook.added", "webhook.pinged", "webhook.paused", "webhook.removed"} <= set(kinds)


async def test_a_webhook_that_leads_inside_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as house:
        admin = await house.logged_in()
        for url in ("http://example.com/", "https://10.0.0.1/", "https://[::1]/"):
            answer = await admin.post("/api/webhooks", json={"url": url})
            assert answer.status_code == 422
            assert answer.json()["field"].endswith("url")


async def test_the_audit_is_for_admins_and_verifies(tmp_path: Path) -> None:
    async with running(tmp_path) as house:
        admin, sue = await house.logged_in(), await house.logged_in("supervisor", "sue")
        assert (await sue.get("/api/audit")).status_code == 403
        assert (await sue.get("/api/dead-letters")).status_code in (200, 503), "NATS is away here"
        for n in range(3):
            await house.parts.audit.note("ada", "login", f"n{n}")
        page = (await admin.get("/api/audit?kind=login&limit=2")).json()
        assert [each["subject"] for each in page["items"]] == ["n2", "n1"]
        rest = (await admin.get("/api/audit", params={"kind": "login", "cursor": page["next"]})).json()
        assert [each["subject"] for each in rest["items"]] == ["n0"]
        verdict = (await admin.get("/api/audit/verify")).json()
        assert (verdict["whole"], verdict["broken"]) == (True, 0)


async def test_the_command_verifies_beside_the_service_and_names_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))

    async def parley(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, command, arguments)
        return result.exit_code, result.stdout

    async with running(tmp_path) as house:
        log = house.parts.audit
        await log.happened([Happening("CA1/1.1/1/0.0", "turn", "CA1", 1000, {"text_pii": "hello"})])
        await log.note("ada", "login", "ada")
        status, told = await parley("verify")
        assert status == 0
        assert told.startswith("2 entries: the log is whole\nnote this elsewhere: 2:")
        noted = told.split()[-1]
        await log.note("ada", "login", "ada")
        assert (await parley("verify", "--expect", noted))[0] == 0
        assert (await parley("verify", "--expect", "2:0000"))[0] == 1
        assert (await parley("verify", "--expect", "two"))[0] == 2
        database = await open_database(house.parts.settings, beside=True)
        async with database.transaction() as connection:
            await connection.execute(update(tables.audit).where(tables.audit.c.seq == 2).values(who="eve"))
        await database.close()
        status, told = await parley("verify")
        assert status == 1
        assert told.startswith("entry 2 is broken: its fields are not those that were written (login of ada")
