"""The agents of every version that calls have: those of the folder, and those that were published.

A published version never changes, so its tools are listed once; new calls have it when they are known. A call that is
taken over has the version it began with.
"""

from __future__ import annotations

import asyncio

import structlog

from parley.agents.agent import Agent
from parley.agents.files import agent_now
from parley.aio import TaskSet
from parley.bus.editions import Edition, Editions
from parley.published.bundle import is_published
from services.orchestrator.run.organs import Organs
from services.orchestrator.run.roster import EDIT_S, Listed, Roster

log = structlog.get_logger()

MAX_VERSIONS = 32
"""Published ones, of all agents; over it the one that was asked for longest ago is forgotten until it is asked for."""


class Rosters:
    """One for all calls of the process."""

    def __init__(self, editions: Editions, organs: Organs) -> None:
        self._editions = editions
        self._organs = organs
        self._folder = Roster(editions.folder, organs)
        self._published: dict[Edition, Roster] = {}
        self._tasks = TaskSet(lambda e: log.error("forgetting a version failed", exc_info=e))

    async def now(self, name: str, version: str = "", call_id: str = "") -> tuple[Agent, Listed | None]:
        """For a call that began with `version`, or without one for a call that begins. None: its tools are not known
        yet, see `first`. Raises NotFound, Misconfigured, Unavailable."""
        edition = await self._editions.of(name, version, call_id)
        if edition.version and edition not in self._published:
            await asyncio.to_thread(agent_now, edition.root, name)
            await asyncio.wait({self._of(edition).first(name)}, timeout=EDIT_S)  # its model wants tools at once
        return await self._of(edition).now(name)

    def first(self, agent: Agent) -> asyncio.Task[Listed]:
        """The first list of this agent's tools, asked for as long as it takes. No call waits for it."""
        edition = self._editions.here(agent.name, agent.version) if is_published(agent.version) else None
        return (self._of(edition) if edition is not None else self._folder).first(agent.name)

    async def prepare(self, edition: Edition) -> None:
        """Read a version and learn its tools, before new calls have it. Raises what is wrong with it, Unavailable."""
        await asyncio.to_thread(agent_now, edition.root, edition.name)
        await self._of(edition).listed(edition.name)

    async def aclose(self) -> None:
        await self._tasks.close()
        for roster in (self._folder, *self._published.values()):
            await roster.aclose()

    def _of(self, edition: Edition) -> Roster:
        if not edition.version:
            return self._folder
        roster = self._published.pop(edition, None) or Roster(edition.root, self._organs, edition.version)
        self._published[edition] = roster
        if len(self._published) > MAX_VERSIONS:
            self._tasks.spawn(self._published.pop(next(iter(self._published))).aclose())
        return roster
