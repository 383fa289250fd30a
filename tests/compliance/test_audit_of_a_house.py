"""The audit of a house that runs: by the API, as people ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.bus.presence import ProcessState
from parley.security.report import given, trust
from parley.settings import Settings
from services.backoffice.compliance.looking import _house, scan
from tests.backoffice.access.conftest import House, running

KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    logs = tmp_path / "run" / "logs"
    logs.mkdir(parents=True)
    (logs / "gateway.log").write_text('{"event": "leg over", "call_id": "CA1"}\n{"event": "mail ann@example.com"}\n')
    async with running(tmp_path, backoffice_key=KEY, session_idle_minutes=15) as made:
        yield made


async def test_it_is_found_as_it_is_and_what_cannot_be_seen_is_said(house: House) -> None:
    browser = await house.logged_in("admin")
    answer = await browser.get("/api/compliance-audit")
    assert answer.status_code == 200, answer.text
    found = {each["id"]: each for each in answer.json()["controls"]}
    assert found["pci-keys"]["result"] == "pass"
    assert found["pci-idle"]["result"] == "pass"
    assert found["pci-second-factor"]["result"] == "fail"
    assert "ada" in found["pci-second-factor"]["detail"]
    assert (found["hipaa-logs"]["result"], "1 with email" in found["hipaa-logs"]["detail"]) == ("fail", True)
    assert found["hipaa-transmission"]["result"] == "unknown", "NATS is away: nobody tells of the processes"
    assert found["hipaa-transcripts"]["result"] == "unknown", "nobody has called yet"
    assert 0 < answer.json()["score"] < 100


async def test_an_admin_declares_and_it_stands_in_the_audit_with_the_name(house: House) -> None:
    admin = await house.logged_in("admin")
    said = {"control": "hipaa-vendors", "note": "Signed on 3 March"}
    answer = await admin.post("/api/compliance-checklist", json=said)
    assert answer.status_code == 201, answer.text
    assert answer.json()["declared"]["who"] == "ada"
    (entry,) = await house.parts.audit.page(kind="compliance.declared")
    assert (entry.who, entry.subject, entry.detail) == ("ada", "hipaa-vendors", {"note": "Signed on 3 March"})
    items = {each["id"]: each for each in (await admin.get("/api/compliance-checklist")).json()["items"]}
    assert items["hipaa-vendors"]["declared"]["note"] == "Signed on 3 March"
    assert items["hipaa-backups"]["result"] == "declare"


@pytest.mark.parametrize(("control", "status"), [("pci-second-factor", 422), ("no-such", 404)])
async def test_what_is_checked_cannot_be_declared_away(house: House, control: str, status: int) -> None:
    admin = await house.logged_in("admin")
    answer = await admin.post("/api/compliance-checklist", json={"control": control, "note": "it is fine"})
    assert answer.status_code == status, answer.text
    assert await house.parts.audit.page(kind="compliance.declared") == []


async def test_who_only_looks_may_not_declare_and_a_viewer_sees_no_audit(house: House) -> None:
    supervisor = await house.logged_in("supervisor", "sue")
    said = {"control": "hipaa-vendors", "note": "Signed"}
    assert (await supervisor.post("/api/compliance-checklist", json=said)).status_code == 403
    viewer = await house.logged_in("viewer", "vic")
    assert (await viewer.get("/api/compliance-audit")).status_code == 403
    assert (await viewer.get("/api/tracker")).status_code == 200


async def test_the_report_can_be_kept(house: House) -> None:
    browser = await house.logged_in("admin")
    text = await browser.get("/api/compliance-audit?format=markdown")
    assert text.text.startswith("# Compliance audit")
    assert text.headers["content-disposition"] == 'attachment; filename="compliance.md"'
    made = await browser.get("/api/compliance-audit?format=pdf")
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.startswith(b"%PDF-")


def test_what_a_process_tells_of_itself_gives_no_secret_away() -> None:
    bare = trust(Settings.read(nats_url="nats://a:4222"), "gateway")
    assert bare == {"tls": "off", "nats": "open", "secret": "own", "log_level": "info", "signatures": "open"}
    settings = Settings.read(
        tls_ca="ca", tls_cert="cert", tls_key="key", nats_url="tls://a:4222", nats_user="gateway",
        nats_password="p0123", twilio_auth_token="own-token", secret="dev-only",
    )  # fmt: skip
    told = trust(settings, "gateway")
    assert told == {"tls": "on", "nats": "tls", "secret": "known", "log_level": "info", "signatures": "checked"}
    assert trust(settings, "stt").keys() == told.keys() - {"signatures"}


def test_a_text_counts_once_for_each_kind_that_is_in_it() -> None:
    found = scan(["mail ann@example.com or bob@example.com", "my card is 4111 1111 1111 1111", "order 12"])
    assert (found.texts, dict(found.found)) == (3, {"email": 1, "card": 1})


def test_a_house_is_as_its_processes_tell_not_as_who_asks_is_set() -> None:
    theirs = Settings.read(
        transcripts="keep",
        retention="summaries 9 d",
        session_idle_minutes=7,
        backoffice_key=KEY,
        public_url="https://p",
    )
    states = [ProcessState(service=name, replica="a", given=given(theirs, name)) for name in ("gateway", "backoffice")]
    found = _house(Settings.read(oidc_issuer="https://id.example.com"), states)
    assert (found.transcripts, found.retention["summaries"], found.idle_minutes) == ("keep", 9, 7)
    assert (found.public_url, found.key_given, found.oidc) == ("https://p", True, False)
    assert found.retention["outcomes"] == 400
    own = _house(Settings.read(retention="outcomes 10 d"), ())
    assert (own.retention["outcomes"], own.transcripts, own.key_given) == (10, "mask", False)
