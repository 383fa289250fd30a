"""What the local engine has learned of each agent. After an edit it learns in the background, some seconds long; until
then calls are answered with what was known before, and so are those that began with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from parley.agents.agent import Agent
from parley.agents.files import agent_now
from parley.aio import TaskSet
from parley.errors import ParleyError
from parley.published.bundle import is_published
from parley.published.shelf import Shelf
from services.llm.local.understanding.understanding import Understanding

log = structlog.get_logger()

KEPT = 2  # understandings of one agent
KEPT_PUBLISHED = 4  # the same, of one that is published: a canary, and what calls began with before


class Learned:
    """`learn` makes an understanding of an agent in its folder of agents; it raises ParleyErrors that name the agent's
    file and what is wrong in it. `shelf`: the published versions on this machine."""

    def __init__(
        self, folder: Path, learn: Callable[[Agent, Path], Awaitable[Understanding]], shelf: Shelf | None = None
    ) -> None:
        self._folder = folder
        self._shelf = shelf or Shelf(Path())
        self._learn = learn
        self._made: dict[str, dict[str, Understanding]] = {}  # by agent, then by digest of its agent.yaml
        self._begun: dict[str, asyncio.Task[None]] = {}  # what an agent's first caller waits for
        self._asked: dict[str, str] = {}  # the last digest that was looked for in vain
        self._learning = asyncio.Lock()
        self._tasks = TaskSet(_failed)

    async def of(self, name: str, version: str = "") -> Understanding:
        """As the call's agent was at this version, or the newest. Raises NotFound, Misconfigured (its phrases).

        Who does not wait to the end of an agent's first learning leaves it to the next: it goes on.
        """
        if name not in self._made:
            if name not in self._begun:
                self._begun[name] = self._tasks.spawn(self._first(name, version))
            await asyncio.shield(self._begun[name])
        made, digest = self._made[name], _digest(version)
        if digest and digest not in made and digest != self._asked.get(name):
            found = self._shelf.find(name, version) if is_published(version) else self._folder
            if found is not None:  # else it is on its way
                self._asked[name] = digest
                self._tasks.spawn(self._renew(name, found))
        return made.get(digest) or made[next(reversed(made))]

    async def _first(self, name: str, version: str) -> None:
        try:
            async with self._learning:
                root = self._shelf.find(name, version) or self._shelf.current(name, self._folder)
                agent = await asyncio.to_thread(agent_now, root, name)
                self._made[name] = {_digest(agent.version): await self._learn(agent, root)}
        finally:
            del self._begun[name]

    async def learn(self, name: str, version: str) -> None:
        """A published version that is on this machine. Raises as `of`."""
        await self.of(name, version)
        if version not in self._made[name] and (root := self._shelf.find(name, version)) is not None:
            await self._renew(name, root)

    async def aclose(self) -> None:
        await self._tasks.close()

    async def _renew(self, name: str, root: Path) -> None:
        async with self._learning:
            try:
                agent = await asyncio.to_thread(agent_now, root, name)
                made = self._made[name]
                if (digest := _digest(agent.version)) in made:
                    return
                made[digest] = await self._learn(agent, root)
            except ParleyError as e:
                log.error("an edit is not learned, what was known before stays", agent=name, error=str(e))
                return
            if len(made) > (KEPT if root == self._folder else KEPT_PUBLISHED):
                del made[next(iter(made))]
            log.info("an edit is learned", agent=name)


def _failed(error: BaseException) -> None:
    if not isinstance(error, ParleyError):  # those are told to whoever asked
        log.error("learning an agent failed", exc_info=error)


def _digest(version: str) -> str:
    return version.partition(".")[0]
