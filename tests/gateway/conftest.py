"""A gateway in this process with scripted services around it, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from parley.process.monitor import Monitor
from parley.settings import Settings
from services.gateway.gateway import Ended, Gateway, opened
from services.gateway.server import DrainingServer, listening, make_server
from testbed.patience import PATIENCE_S
from tests.gateway.organs import Mind, Recogniser, Voice, serving

AGENT = """
company: Bellweather Bikes
greeting: Hello
prompt: Be kind.
"""


@dataclass
class House:
    """Everything a test call needs."""

    url: str
    gateway: Gateway
    server: DrainingServer
    minds: list[Mind]
    ears: list[Recogniser]
    voices: list[Voice]
    organs: dict[str, list[Any]]

    @property
    def mind(self) -> Mind:
        return self.minds[0]

    @property
    def voice(self) -> Voice:
        return self.voices[0]

    @property
    def stt(self) -> Recogniser:
        return self.ears[0]


@asynccontextmanager
async def running(
    folder: Path, *, replicas: int = 1, ended: Ended | None = None, **settings: Any
) -> AsyncIterator[House]:
    """A whole house; settings by their environment names."""
    (folder / "frontdesk").mkdir(exist_ok=True)
    (folder / "frontdesk" / "agent.yaml").write_text(AGENT)
    parts: dict[str, list[Any]] = {
        "orchestrator": [Mind() for _ in range(replicas)],
        "stt": [Recogniser() for _ in range(replicas)],
        "tts": [Voice() for _ in range(replicas)],
    }
    async with AsyncExitStack() as stack:
        addresses: dict[str, list[str]] = {name: [] for name in parts}
        servers: dict[str, list[Any]] = {name: [] for name in parts}
        for name, servicers in parts.items():
            for servicer in servicers:
                address, server = await stack.enter_async_context(serving(name, servicer))
                addresses[name].append(address)
                servers[name].append(server)
        configured = Settings.read(
            **{
                "PARLEY_GATEWAY_PORT": 0,
                "PARLEY_AGENTS_DIR": folder,
                "PARLEY_STT_ADDRESS": ",".join(addresses["stt"]),
                "PARLEY_TTS_ADDRESS": ",".join(addresses["tts"]),
                "PARLEY_ORCHESTRATOR_ADDRESS": ",".join(addresses["orchestrator"]),
                **settings,
            }
        )
        bound = listening(configured)
        stack.callback(bound.close)
        gateway = await stack.enter_async_context(opened(configured, ended))
        for peers in (gateway.organs.stt, gateway.organs.tts, gateway.organs.orchestrator):
            assert await peers.ready(PATIENCE_S)
        web = make_server(gateway, Monitor())
        task = asyncio.ensure_future(web._serve([bound]))
        try:
            while not web.started:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.005)
            yield House(
                f"http://127.0.0.1:{bound.getsockname()[1]}",
                gateway,
                web,
                parts["orchestrator"],
                parts["stt"],
                parts["tts"],
                servers,
            )
        finally:
            web.should_exit = True
            await task


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running(tmp_path) as house:
        yield house
