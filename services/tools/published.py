"""The tools of published versions, beside those of the folder: each version has a toolbox of its own, which stays as it
is. A call keeps the tools it began with, also on a replica that never had them: they are fetched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from parley.agents.page.wrapper import Wrapper, wrapper_now
from parley.aio import TaskSet
from parley.bus.editions import Edition, Editions
from parley.errors import ParleyError
from parley.published.bundle import is_published
from parley.secrets import Secrets
from services.tools.database import Database
from services.tools.discovery import Foreign, Toolbox, Toolboxes
from services.tools.records.arrivals import Arrivals
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore

log = structlog.get_logger()

MAX_VERSIONS = 32
"""Published ones, of all agents; over it the one that was used longest ago is read again when it is asked for."""


class PublishedToolboxes(Toolboxes):
    """`now` is of the folder; `of` a published version gives what it has, `have` it before."""

    def __init__(
        self,
        editions: Editions,
        database: Database | None = None,
        secrets: Secrets | None = None,
        foreign: Foreign | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        """`arrivals`: looks after the data of agents that come to the folder."""
        super().__init__(editions.folder, database, secrets, foreign)
        self._editions = editions
        self._arrivals = arrivals
        self._boxes: dict[Edition, Toolboxes] = {}
        self._reading: dict[Edition, asyncio.Task[None]] = {}
        self._tasks = TaskSet(_failed)

    async def have(self, agent: str, version: str) -> None:
        if is_published(version):
            edition = await self._editions.of(agent, version)
            if edition.version and edition not in self._boxes:
                await self._read_once(edition)
        elif self._arrivals is not None and not self._editions.versions(agent).current:
            await self._arrivals.look(agent, self._editions.is_current(Edition(self._editions.folder, agent)))

    async def _read_once(self, edition: Edition) -> None:
        """In a thread. Nobody may ask for what is being read there before it is: the loop would wait for the thread."""
        if (task := self._reading.get(edition)) is None:
            task = self._reading[edition] = self._tasks.spawn(self._read_edition(edition))
        await asyncio.shield(task)

    async def _read_edition(self, edition: Edition) -> None:
        boxes = self._boxes_of(edition)
        try:
            await asyncio.to_thread(Toolboxes.read, boxes, edition.name)
            self._keep(edition, boxes)
        finally:
            del self._reading[edition]

    def of(self, agent: str, version: str) -> Toolbox:
        if not is_published(version):
            return super().of(agent, version)
        edition = self._editions.here(agent, version) or self._editions.chosen(agent)
        return self._of(edition).now(agent)

    def wrapper(self, agent: str, version: str = "") -> Wrapper:
        if not is_published(version):
            return super().wrapper(agent)
        edition = self._editions.here(agent, version) or self._editions.chosen(agent)
        return wrapper_now(edition.root, agent)

    async def close(self) -> None:
        await self._tasks.close()
        await super().close()

    def _of(self, edition: Edition) -> Toolboxes:
        if not edition.version:
            return self
        known = self._boxes.pop(edition) if edition in self._boxes else self._boxes_of(edition)
        return self._keep(edition, known)

    def _boxes_of(self, edition: Edition) -> Toolboxes:
        return self.beside(edition.root, f"_{edition.version}")

    def _keep(self, edition: Edition, boxes: Toolboxes) -> Toolboxes:
        self._boxes[edition] = boxes
        if len(self._boxes) > MAX_VERSIONS:
            self._boxes.pop(next(iter(self._boxes))).forget()
        return boxes


def _failed(error: BaseException) -> None:
    if not isinstance(error, ParleyError):  # those are told to whoever asked
        log.error("reading tools failed", exc_info=error)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Makes the service ready for a version; what all calls have from now on brings its data along."""

    toolboxes: PublishedToolboxes
    store: RecordStore
    editions: Editions

    async def __call__(self, edition: Edition) -> None:
        await self.toolboxes.have(edition.name, edition.version)
        if edition.version == self.editions.versions(edition.name).current:
            agent = self.toolboxes.of(edition.name, edition.version).agent
            await load_seeds(self.store, edition.root, agent, only_new=not self.editions.is_current(edition))
