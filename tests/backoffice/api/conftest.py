"""Backoffice with calls on record, asked over ASGI by keys of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley.process.monitor import Monitor
from parley.settings import Settings
from parley.v1 import events_pb2
from services.backoffice.access.scopes import SCOPES
from services.backoffice.app import build
from services.backoffice.database import Database
from services.backoffice.parts import Parts
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import Lease
from services.backoffice.records.rows import Paper
from services.backoffice.sealing import Sealer
from services.backoffice.wiring import opened
from testbed.recorded_calls import START_MS, RecordedCall

HERE = "http://backoffice"
HOUR_MS = 3_600_000


@dataclass
class Desk:
    """`viewer`, `supervisor`, `admin`: clients that carry a key of that role."""

    parts: Parts
    app: Any
    url: str = ""
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def as_(self, role: Any, scopes: Sequence[str] = SCOPES) -> httpx.AsyncClient:
        if role not in self.clients:
            text, _ = await self.parts.access.keys.make(role, role, scopes, "tests", None)
            way = httpx.ASGITransport(self.app, raise_app_exceptions=False) if not self.url else None
            self.clients[role] = httpx.AsyncClient(
                transport=way, base_url=self.url or HERE, headers={"Authorization": f"Bearer {text}"}, trust_env=False
            )
        return self.clients[role]

    async def get(self, path: str, role: str = "viewer", status: int = 200, **params: Any) -> Any:
        answer = await (await self.as_(role)).get(path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, role: str = "supervisor", **headers: str) -> httpx.Response:
        return await (await self.as_(role)).post(path, json=body, headers=headers)


async def keep(database: Database, sealer: Sealer, records: Iterable[events_pb2.EventRecord]) -> None:
    """As if the stream had told them."""
    lease = Lease(database, "tests", "tests")
    await lease.take()
    await Keeper(database, Paper(sealer, "mask"), lease)._keep(list(records), None)


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    configured = Settings.read(data_dir=folder, **{"nats_url": "", "PARLEY_LIMIT_LOCAL": False, **settings})
    async with opened(configured, Monitor()) as parts:
        desk = Desk(parts, build(parts))
        yield desk
        for client in desk.clients.values():
            await client.aclose()


def three_calls() -> list[RecordedCall]:
    """Of three callers, an hour apart: `CA1` booked a table, `CA2` was given to people, `CA3` goes on."""
    first = RecordedCall("CA1", caller="+15550100142", agent="desk")
    first.opens().says("Hello, how can I help?")
    first.caller("a table for four").answers("Certainly, it is booked.", tool="book_table")
    first.interrupts()
    first.ends("caller hung up")
    second = RecordedCall("CA2", caller="+15550100143", agent="bank", called="+15550199998", at_ms=START_MS + HOUR_MS)
    second.opens().says("Hello, this is the bank.", heard=5)
    second.caller("my card 4111 1111 1111 1111 is gone")
    second.ends("caller hung up")
    third = RecordedCall("CA3", caller="+15550100144", agent="desk", version="v2", at_ms=START_MS + 30 * HOUR_MS)
    third.opens().says("Hello, how can I help?").boundary()
    return [first, second, third]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running(tmp_path) as desk:
        for recorded in three_calls():
            await keep(desk.parts.database, desk.parts.sealer, recorded.records)
        yield desk
