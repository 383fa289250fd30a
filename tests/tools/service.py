"""A tools service to call: in this process, or as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parley.rpc import Admission, Peers, Server, call
from parley.settings import Settings
from parley.v1 import call_pb2, tools_pb2, tools_pb2_grpc
from services.tools.wiring import wire
from testbed.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
AGENTS = Path(__file__).parent / "agents"
STATUS = tools_pb2.ToolOutcome


@dataclass
class Desk:
    """An orchestrator's view of one tools service."""

    peers: Peers

    def request(self, name: str, intent: int = 1, epoch: tuple[int, int] = (1, 1), **fields: Any) -> Any:
        arguments = fields.pop("arguments", {})
        return tools_pb2.ExecuteRequest(
            call_id=fields.pop("call_id", "CA1"),
            epoch=call_pb2.Epoch(leg=epoch[0], open=epoch[1]),
            intent=intent,
            name=name,
            arguments_json=arguments if isinstance(arguments, str) else json.dumps(arguments),
            agent=fields.pop("agent", "workshop"),
            **fields,
        )

    async def open(self, name: str, intent: int = 1, epoch: tuple[int, int] = (1, 1), **fields: Any) -> Any:
        request = self.request(name, intent, epoch, **fields)
        return await self.peers.open(tools_pb2_grpc.ToolsStub, "Execute", request=request)

    async def events(self, *args: Any, **fields: Any) -> list[Any]:
        stream = await self.open(*args, **fields)
        return [event async for event in stream]

    async def execute(self, *args: Any, **fields: Any) -> Any:
        """The outcome."""
        return (await self.events(*args, **fields))[-1].outcome

    async def agreed(self, name: str, intent: int, **fields: Any) -> Any:
        """The outcome of a consequential tool whose question was answered with yes."""
        asked = await self.execute(name, intent + 500, **fields)
        assert asked.status == STATUS.STATUS_ASK, asked
        return await self.execute(name, intent, confirmed=asked.ask.digest, **fields)

    async def settle(self, epoch: tuple[int, int], call_id: str = "CA1") -> list[Any]:
        request = tools_pb2.SettleRequest(call_id=call_id, epoch=call_pb2.Epoch(leg=epoch[0], open=epoch[1]))
        response = await call(self.peers, tools_pb2_grpc.ToolsStub, "Settle", request, timeout_s=PATIENCE_S)
        return list(response.rows)

    async def list(self, agent: str) -> dict[str, Any]:
        request = tools_pb2.ListToolsRequest(agent=agent)
        response = await call(self.peers, tools_pb2_grpc.ToolsStub, "List", request, timeout_s=PATIENCE_S)
        return {tool.name: tool for tool in response.tools}


def settings(data_dir: Path, agents_dir: Path = AGENTS, agent: str = "workshop", url: str = "") -> Settings:
    return Settings.read(
        agents_dir=agents_dir, data_dir=data_dir, agent=agent, database_url=url, drain_s=1.0, nats_url=""
    )


@asynccontextmanager
async def serving(chosen: Settings) -> AsyncIterator[Desk]:
    """The service in this process, over real gRPC."""
    server = Server("tools", "127.0.0.1:0", Admission(50))
    close = await wire(server, chosen)
    await server.start()
    try:
        async with Peers("tools", [f"127.0.0.1:{server.port}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            yield Desk(peers)
    finally:
        await server.drain(0.2)
        await close()


@dataclass
class Killable:
    """A tools process. `desk` reaches it; `kill` is kill -9."""

    process: asyncio.subprocess.Process
    desk: Desk

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def process(
    data_dir: Path, url: str = "", agents_dir: Path = AGENTS, agent: str = "workshop"
) -> AsyncIterator[Killable]:
    """The service as `python -m services.tools`."""
    started = await start(data_dir, url, agents_dir, agent)
    try:
        port = await _port(started)
        async with Peers("tools", [f"127.0.0.1:{port}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            yield Killable(started, Desk(peers))
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def start(
    data_dir: Path, url: str = "", agents_dir: Path = AGENTS, agent: str = "workshop"
) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "PARLEY_AGENTS_DIR": str(agents_dir),
        "PARLEY_AGENT": agent,
        "PARLEY_DATA_DIR": str(data_dir),
        "PARLEY_DATABASE_URL": url,
        "PARLEY_NATS_URL": "",
        "PARLEY_LISTEN": "127.0.0.1:0",
        "PARLEY_DRAIN_S": "2",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.tools"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _port(started: asyncio.subprocess.Process) -> int:
    assert started.stdout is not None
    async for line in started.stdout:
        entry = json.loads(line)
        if entry["event"] == "serving":
            return int(entry["port"])
    raise AssertionError((await started.communicate())[1].decode())
