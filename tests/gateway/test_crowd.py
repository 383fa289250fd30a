"""How often one address may knock, on real sockets. A trusted proxy on this machine says whose request it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from services.gateway.doors.crowd import Crowd
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House, running

PROXIED = {"trusted_proxies": "127.0.0.1"}
SLOWLY = {"door_per_s": 0.001, "sockets_per_s": 0.001}
BUSY = "203.0.113.5"


@contextmanager
def crowd(house: House, **settings: Any) -> Iterator[None]:
    """The same house, which has seen nobody yet, with other limits."""
    house.gateway.crowd = Crowd(house.gateway.settings.model_copy(update=settings))
    yield


async def statuses(house: House, path: str, times: int, *said: str, method: str = "GET") -> list[int]:
    """`said`: addresses that the proxy names, one after the other; none: no proxy."""
    of = [{"X-Forwarded-For": address} for address in said] or [{}]
    async with httpx.AsyncClient(base_url=house.url, timeout=PATIENCE_S) as client:
        return [(await client.request(method, path, headers=of[n % len(of)])).status_code for n in range(times)]


async def knock(house: House, stack: AsyncExitStack, path: str, address: str) -> tuple[int, str]:
    """Status of an upgrade, and `Retry-After`."""
    url = house.url.replace("http", "ws") + path
    try:
        await stack.enter_async_context(
            connect(url, additional_headers={"X-Forwarded-For": address}, open_timeout=PATIENCE_S)
        )
    except InvalidStatus as refused:
        return refused.response.status_code, refused.response.headers.get("Retry-After", "")
    return 101, ""


async def test_how_often_one_address_may_knock(tmp_path: Path) -> None:
    async with running(tmp_path, TWILIO_AUTH_TOKEN="s3cret") as house:
        await _requests(house)
        await _whom_to_believe(house)
        await _sockets(house)
        await _the_carrier(house)


async def _requests(house: House) -> None:
    with crowd(house, **PROXIED, **SLOWLY):
        assert await statuses(house, "/api/session", 20, BUSY) == [200] * 20
        async with httpx.AsyncClient(
            base_url=house.url, headers={"X-Forwarded-For": BUSY}, timeout=PATIENCE_S
        ) as client:
            refused = await client.get("/api/session")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 1000
        assert "too often" in refused.json()["error"]
        assert await statuses(house, "/api/session", 1, "203.0.113.6") == [200]
        assert await statuses(house, "/health", 30, BUSY) == [200] * 30
        assert await statuses(house, "/base.css", 60, "203.0.113.7") == [200] * 60, "a page and its files"
    with crowd(house, **PROXIED, door_per_s=0.0):
        assert set(await statuses(house, "/api/session", 40, BUSY)) == {200}


async def _whom_to_believe(house: House) -> None:
    with crowd(house, **SLOWLY):
        got = await statuses(house, "/api/session", 22, *(f"203.0.113.{n}" for n in range(22)))
        assert got == [200] * 20 + [429] * 2, "all of them came through the same tunnel"
        assert set(await statuses(house, "/api/session", 30)) == {200}, "this machine"
    with crowd(house, **SLOWLY, limit_local=True):
        assert (await statuses(house, "/api/session", 22)).count(429) == 2


async def _sockets(house: House) -> None:
    with crowd(house, **PROXIED, sockets_per_s=3.0):
        house.gateway.crowd._now = lambda: 1000.0
        async with AsyncExitStack() as stack:
            got = [await knock(house, stack, "/ws/voice", BUSY) for _ in range(4)]
        assert got == [(101, "")] * 3 + [(429, "1")]
    with crowd(house, **PROXIED, sockets_per_s=0.0, sockets_open=2):
        async with AsyncExitStack() as stack:
            got = [await knock(house, stack, "/ws/chat", BUSY) for _ in range(3)]
            assert got == [(101, ""), (101, ""), (429, "10")]
            assert (await knock(house, stack, "/ws/chat", "203.0.113.6"))[0] == 101


async def _the_carrier(house: House) -> None:
    with crowd(house, **PROXIED, **SLOWLY):
        url, form = f"{house.url}/twilio-webhook", {"CallSid": "CA1", "From": "+15550100", "To": "+15550199"}
        signed = {"X-Twilio-Signature": RequestValidator("s3cret").compute_signature(url, form)}
        async with httpx.AsyncClient(headers={"X-Forwarded-For": BUSY, **signed}, timeout=PATIENCE_S) as client:
            assert {(await client.post(url, data=form)).status_code for _ in range(30)} == {200}
        assert await statuses(house, "/twilio-webhook", 22, BUSY, method="POST") == [403] * 20 + [429] * 2
        async with AsyncExitStack() as stack:
            forged = [(await knock(house, stack, "/twilio-stream", BUSY))[0] for _ in range(3)]
        assert forged == [403, 429, 429]
