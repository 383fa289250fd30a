"""Agents to publish, a server to publish them on, and what a process then has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from parley.bus import Bus, publishing
from parley.bus.editions import Edition, Editions
from parley.published.versions import Versions
from parley.settings import Settings
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server

YAML = """company: Bellweather Bikes
greeting: {greeting}
prompt: You answer the phone.
voice: {{elevenlabs: amy, local: en-us}}
knowledge: {{retrieve: always}}
"""
TOOLS = '''from parley.tooling import tool

@tool(effects=True)
def book_visit() -> str:
    """Books."""
    return "{says}"
'''


def write(agents: Path, greeting: str, says: str = "", name: str = "bikes", **files: str) -> Path:
    """An agent's folder; `says`: what its tool answers. Files by name, `/` as `__`."""
    files = {"agent.yaml": YAML.format(greeting=greeting), "tools.py": TOOLS.format(says=says or greeting), **files}
    for file, text in files.items():
        path = agents / name / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return agents / name


async def publish(bus: Bus, agents: Path, name: str = "bikes", percent: float | None = None) -> Versions:
    return (await publishing.publish(bus, name, agents / name, "en", percent=percent))[1]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def server(tmp_path: Path) -> AsyncIterator[tuple[Natsd, Bus]]:
    """NATS with the buckets made, and the bus of who publishes."""
    async with nats_server(tmp_path) as nats, connected(nats) as bus:
        await publishing.make_buckets(bus, 1)
        yield nats, bus


@asynccontextmanager
async def connected(nats: Natsd) -> AsyncIterator[Bus]:
    async with Bus(Settings.read(nats_url=nats.url), "test") as bus:
        assert await bus.ready(PATIENCE_S)
        yield bus


@asynccontextmanager
async def process(nats: Natsd, agents: Path, data: Path, prepare: Any = None) -> AsyncIterator[Editions]:
    """A service's view of it, with a disk of its own."""
    settings = Settings.read(nats_url=nats.url, agents_dir=agents, data_dir=data)
    async with Bus(settings, "service") as bus:
        editions = Editions.of_process(settings, bus)
        editions.prepare = prepare or editions.prepare
        async with editions.kept():
            yield editions


def has(editions: Editions, version: str, call_id: str = "") -> Callable[[], bool]:
    def holds() -> bool:
        edition: Edition = editions.chosen("bikes", call_id)
        return edition.version == version

    return holds
