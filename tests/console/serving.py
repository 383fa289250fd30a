"""A whole backoffice in this process, with somebody logged in for each role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from parley.process.listening import bound_socket
from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access.cookies import SESSION
from services.backoffice.access.roles import ROLES
from services.backoffice.parts import Parts
from services.backoffice.server import make_server
from services.backoffice.wiring import opened


@dataclass(frozen=True)
class Served:
    """`cookies`: by role, of somebody who is logged in."""

    url: str
    parts: Parts
    cookies: dict[str, str]

    def state(self, role: str) -> dict[str, Any]:
        """For a browser that has been here before."""
        cookie = {"name": SESSION, "value": self.cookies[role], "domain": "127.0.0.1", "path": "/"}
        return {"cookies": [{**cookie, "httpOnly": True, "secure": False, "sameSite": "Lax", "expires": -1}]}


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Served]:
    """Settings by their environment names."""
    configured = Settings.read(**{"PARLEY_BACKOFFICE_PORT": 0, "PARLEY_DATA_DIR": folder, **settings})
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(bound_socket("127.0.0.1", 0, "PARLEY_BACKOFFICE_PORT"))
        parts = await stack.enter_async_context(opened(configured, Monitor()))
        server: uvicorn.Server = make_server(parts)
        stack.push_async_callback(_stopped, server, asyncio.ensure_future(server.serve(sockets=[bound])))
        cookies: dict[str, str] = {
            role: await parts.access.sessions.begin(f"{role}-1", "oidc", role, "127.0.0.1", "test") for role in ROLES
        }
        yield Served(f"http://127.0.0.1:{bound.getsockname()[1]}", parts, cookies)


async def _stopped(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """It closes its sockets itself: the loop would take others that get their numbers for them."""
    server.should_exit = True
    await serving
