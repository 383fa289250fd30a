"""Two replicas of backoffice on one PostgreSQL database, as processes: who is logged in at one is at the other."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import httpx
import pytest

from parley.settings import Settings
from runner.nats_users import passwords
from runner.plan import BACKOFFICE, SERVICES
from services.backoffice.access.link import login_link
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_cluster
from tests.backoffice.test_process import backoffice, ready

pytestmark = pytest.mark.postgres
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
BUSY = {"X-Forwarded-For": "203.0.113.5"}


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S)


async def test_sessions_keys_links_and_limits_hold_at_both(tmp_path: Path, url: str) -> None:
    users = passwords((*SERVICES, BACKOFFICE))
    async with nats_cluster(tmp_path, 1, users) as cluster:
        env = {
            "PARLEY_NATS_URL": cluster.url,
            "PARLEY_NATS_USER": BACKOFFICE,
            "PARLEY_NATS_PASSWORD": users[BACKOFFICE],
            "PARLEY_BACKOFFICE_DATABASE_URL": url,
            "PARLEY_BACKOFFICE_KEY": KEY,
            "PARLEY_TRUSTED_PROXIES": "127.0.0.1",
            "PARLEY_API_PER_MINUTE": "40",
        }
        async with (
            backoffice(tmp_path / "a", **env) as (_, first),
            backoffice(tmp_path / "b", **env) as (_, second),
            client(first) as here,
            client(second) as there,
        ):
            await ready(here)
            await ready(there)
            await _who_is_logged_in(here, there)
            await _asks_too_often(here, there)


async def _who_is_logged_in(here: httpx.AsyncClient, there: httpx.AsyncClient) -> None:
    link = login_link(Settings.read(PARLEY_BACKOFFICE_KEY=KEY), "http://x").removeprefix("http://x")
    assert (await here.get(link)).status_code == 303
    assert (await there.get(link)).status_code == 403, "it was used at the other"
    there.cookies = here.cookies  # cookies know no ports
    me = (await there.get("/api/session/me")).json()
    assert (me["name"], me["role"]) == ("operator", "admin")
    change = {"X-CSRF-Token": me["csrf"]}
    asked = {"name": "report", "scopes": ["calls:read"]}
    key = (await there.post("/api/keys", json=asked, headers=change)).json()
    assert (await here.delete(f"/api/keys/{key['id']}", headers=change)).status_code == 204
    bearer = {"Authorization": f"Bearer {key['key']}"}
    assert (await there.get("/api/session/me", headers=bearer)).status_code == 401
    assert (await here.post("/api/session/leave", headers=change)).status_code == 204
    assert (await there.get("/api/session/me")).status_code == 401


async def _asks_too_often(here: httpx.AsyncClient, there: httpx.AsyncClient) -> None:
    """Forty at one replica; the other comes to know of it."""
    for _ in range(40):
        assert (await here.get("/api/session/ways", headers=BUSY)).status_code == 200
    assert (await here.get("/api/session/ways", headers=BUSY)).status_code == 429
    let_in = 0
    while (answer := await there.get("/api/session/ways", headers=BUSY)).status_code == 200:
        let_in += 1
        await asyncio.sleep(0.25)
    assert answer.status_code == 429
    assert let_in < 36, "its own forty were not used up: it was told"
    assert int(answer.headers["Retry-After"]) >= 1
