"""The servers of all agents of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from parley.agents.agent import Agent
from parley.agents.foreign.mcp import McpServer
from parley.aio import TaskSet
from parley.secrets import Secrets
from services.tools.mcp.link import Link
from services.tools.schema import LoadedTool

log = structlog.get_logger()

IDLE_S = 600.0  # a connection that only calls of an older version use is kept for so long after the last one
SWEEP_S = 60.0

Key = tuple[str, str, str, str]
"""Agent, server, its configuration as JSON, the agent's folder where it is started in that."""


class Hub:
    """Use it on one loop. Links are made when an agent first names a server, and stay."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._links: dict[Key, Link] = {}
        self._runs: dict[Key, asyncio.Task[None]] = {}
        self._newest: dict[str, set[Key]] = {}
        self._tasks = TaskSet(lambda e: log.error("a server of tools is given up", exc_info=e))
        self._sweeping = False

    def tools_of(self, agent: Agent, home: Path, newest: bool) -> Mapping[str, LoadedTool]:
        """What the servers of this version of the agent can do. `home`: its folder; `newest`: new calls have it."""
        keys = {name: (agent.name, name, c.model_dump_json(), _home(c, home)) for name, c in agent.mcp.items()}
        if newest:
            self._newest[agent.name] = set(keys.values())
        tools: dict[str, LoadedTool] = {}
        for name, key in keys.items():
            link = self._links.get(key) or self._made(key, agent.mcp[name])
            link.last_used = asyncio.get_running_loop().time()
            tools.update(link.tools)
        return tools

    async def ready(self, agent: str, timeout_s: float) -> bool:
        """Wait until the servers of an agent have said what they can do, or could not be reached. False: not yet."""
        try:
            async with asyncio.timeout(timeout_s):
                for key in self._newest.get(agent, set()).copy():
                    await self._links[key].known.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        await self._tasks.close()

    def _made(self, key: Key, config: McpServer) -> Link:
        link = self._links[key] = Link(key[0], key[1], config, Path(key[3]), self._secrets)
        self._runs[key] = self._tasks.spawn(link.run())
        if not self._sweeping:
            self._sweeping = True
            self._tasks.spawn(self._sweep())
        return link

    async def _sweep(self) -> None:
        """End the connections that no version needs any more."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            wanted = set().union(*self._newest.values())
            for key in [k for k, link in self._links.items() if k not in wanted and now - link.last_used > IDLE_S]:
                del self._links[key]
                self._runs.pop(key).cancel()


def _home(config: McpServer, home: Path) -> str:
    """Where a program is started. A server that is reached by its address is one for all versions."""
    return str(home.resolve()) if config.command else ""
