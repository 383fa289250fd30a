"""The servers of all agents of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
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
Home = tuple[str, str]
"""Agent, and the folder with a version of it: the one that is edited, or that of a published version."""


@dataclass(slots=True)
class _Named:
    """The servers that a folder's agent.yaml names now; `asked`: when a call last had that version."""

    keys: set[Key]
    asked: float


class Hub:
    """Use it on one loop. Links are made when an agent first names a server. One that nobody names any more is not
    connected again, and closed when the calls that know it are over."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._links: dict[Key, Link] = {}
        self._runs: dict[Key, asyncio.Task[None]] = {}
        self._named: dict[Home, _Named] = {}
        self._newest: dict[str, Home] = {}
        self._tasks = TaskSet(lambda e: log.error("a server of tools is given up", exc_info=e))
        self._sweeping = False

    def tools_of(self, agent: Agent, home: Path, newest: bool) -> Mapping[str, LoadedTool]:
        """What the servers of this version of the agent can do. `home`: its folder; `newest`: new calls have it."""
        keys = {name: (agent.name, name, c.model_dump_json(), _home(c, home)) for name, c in agent.mcp.items()}
        now = asyncio.get_running_loop().time()
        if newest:
            place = self._newest[agent.name] = agent.name, str(home)
            before = self._named.get(place)
            self._named[place] = _Named(set(keys.values()), now)
            self._leave(before.keys if before is not None else set())
        tools: dict[str, LoadedTool] = {}
        for name, key in keys.items():
            link = self._links.get(key)
            if link is None or (newest and link.left and not link.connected):
                link = self._made(key, agent.mcp[name], named=newest)
            elif newest and link.left:
                link.take_back()
            link.last_used = now
            tools.update(link.tools)
        return tools

    async def ready(self, agent: str, timeout_s: float) -> bool:
        """Wait until the servers of an agent have said what they can do, or could not be reached. False: not yet."""
        place = self._newest.get(agent)
        try:
            async with asyncio.timeout(timeout_s):
                for key in self._named[place].keys.copy() if place is not None else ():
                    await self._links[key].known.wait()
        except TimeoutError:
            return False
        return True

    @property
    def busy(self) -> bool:
        """Something is asked of a server, or it is being connected."""
        return any(link.busy for link in self._links.values() if not link.left)

    async def close(self) -> None:
        await self._tasks.close()

    def _made(self, key: Key, config: McpServer, named: bool) -> Link:
        """`named`: else a call asks that began with an older version, and it is tried once."""
        if (run := self._runs.pop(key, None)) is not None:
            run.cancel()
        link = self._links[key] = Link(key[0], key[1], config, Path(key[3]), self._secrets)
        link.left = not named
        self._runs[key] = self._tasks.spawn(link.run())
        if not self._sweeping:
            self._sweeping = True
            self._tasks.spawn(self._sweep())
        return link

    def _leave(self, keys: set[Key]) -> None:
        """Those of them that nobody names any more."""
        for key in keys - self._wanted():
            link = self._links[key]
            link.leave()
            if not link.connected and (run := self._runs.pop(key, None)) is not None:
                run.cancel()

    def _wanted(self) -> set[Key]:
        return set().union(*(named.keys for named in self._named.values()))

    async def _sweep(self) -> None:
        """Forget versions that no call has any more, and end the connections that none needs."""
        while True:
            await asyncio.sleep(SWEEP_S)
            idle = asyncio.get_running_loop().time() - IDLE_S
            newest = set(self._newest.values())
            for place in [p for p, named in self._named.items() if p not in newest and named.asked < idle]:
                self._leave(self._named.pop(place).keys)
            wanted = self._wanted()
            for key in [k for k, link in self._links.items() if k not in wanted and link.last_used < idle]:
                del self._links[key]
                if (run := self._runs.pop(key, None)) is not None:
                    run.cancel()


def _home(config: McpServer, home: Path) -> str:
    """Where a program is started. A server that is reached by its address is one for all versions."""
    return str(home.resolve()) if config.command else ""
