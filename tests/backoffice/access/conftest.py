"""Backoffice's doors with who may behind them, in this process, asked over ASGI; SQLite, or PostgreSQL where asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import APIRouter, Depends

from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access import Who, needs
from services.backoffice.access import passwords as hashing
from services.backoffice.access.roles import ROLES, Role
from services.backoffice.app import build
from services.backoffice.parts import Parts
from services.backoffice.wiring import opened

HERE = "http://localhost"
ADA = {"name": "ada", "password": "four words nobody guesses"}


@dataclass
class House:
    """`noted`: what the audit was told."""

    parts: Parts
    app: Any
    noted: list[tuple[str, str, str]] = field(default_factory=list)

    def browser(self, url: str = HERE, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """A browser with cookies of its own, at an address."""
        way = httpx.ASGITransport(self.app, client=(address, 1234))
        return httpx.AsyncClient(transport=way, base_url=url, headers=headers)

    async def logged_in(self, role: str = "admin", name: str = "ada") -> httpx.AsyncClient:
        """A browser in which an account of this role is logged in; it carries what changes carry."""
        await self.parts.access.accounts.add(name, role, ADA["password"])
        browser = self.browser()
        answer = await browser.post("/api/session/login", json={**ADA, "name": name})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return browser


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[House]:
    configured = Settings.read(PARLEY_DATA_DIR=folder, PARLEY_NATS_URL="", **settings)
    async with opened(configured, Monitor()) as parts:
        house = House(parts, None)

        async def note(who: str, kind: str, subject: str, detail: dict[str, object]) -> None:
            house.noted.append((who, kind, subject))

        object.__setattr__(parts.access, "note", note)
        house.app = build(parts)
        house.app.include_router(_things())
        yield house


def _things() -> APIRouter:
    """What other parts of the API are like."""
    routes = APIRouter(prefix="/api/calls/of/the/test")
    for role in ROLES:
        routes.add_api_route(f"/{role}", _thing(role), methods=["GET", "POST"])
    return routes


def _thing(role: Role) -> Callable[..., Any]:
    async def thing(who: Who = Depends(needs(role))) -> dict[str, object]:  # noqa: B008
        return {"name": who.name, "numbers": who.sees_numbers}

    return thing


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes a password hard to guess would make the tests slow. One test does without this."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(hashing, "PasswordHasher", lambda: quick)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path) as house:
        yield house
