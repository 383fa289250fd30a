"""What the local engine has learned of each agent. After an edit it learns in the background, some seconds long; until
then calls are answered with what was known before, and so are those that began with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from parley.agents.agent import Agent
from parley.agents.files import agent_now, load_agent
from parley.aio import TaskSet
from parley.errors import ParleyError
from services.llm.local.understanding.understanding import Understanding

log = structlog.get_logger()

KEPT = 2  # understandings of one agent


class Learned:
    """`learn` makes an understanding; it raises ParleyErrors that name the agent's file and what is wrong in it."""

    def __init__(self, folder: Path, learn: Callable[[Agent], Awaitable[Understanding]]) -> None:
        self._folder = folder
        self._learn = learn
        self._made: dict[str, dict[str, Understanding]] = {}  # by agent, then by digest of its agent.yaml
        self._asked: dict[str, str] = {}  # the last digest that was looked for in vain
        self._learning = asyncio.Lock()
        self._tasks = TaskSet(lambda e: log.error("learning an agent failed", exc_info=e))

    async def of(self, name: str, version: str = "") -> Understanding:
        """As the call's agent was at this version, or the newest. Raises NotFound, Misconfigured (its phrases)."""
        if name not in self._made:
            async with self._learning:
                if name not in self._made:
                    agent = await asyncio.to_thread(load_agent, self._folder, name)
                    self._made[name] = {_digest(agent.version): await self._learn(agent)}
        made, digest = self._made[name], _digest(version)
        if digest and digest not in made and digest != self._asked.get(name):
            self._asked[name] = digest
            self._tasks.spawn(self._renew(name))
        return made.get(digest) or made[next(reversed(made))]

    async def aclose(self) -> None:
        await self._tasks.close()

    async def _renew(self, name: str) -> None:
        async with self._learning:
            try:
                agent = await asyncio.to_thread(agent_now, self._folder, name)
                made = self._made[name]
                if (digest := _digest(agent.version)) in made:
                    return
                made[digest] = await self._learn(agent)
            except ParleyError as e:
                log.error("an edit is not learned, what was known before stays", agent=name, error=str(e))
                return
            if len(made) > KEPT:
                del made[next(iter(made))]
            log.info("an edit is learned", agent=name)


def _digest(version: str) -> str:
    return version.partition(".")[0]
