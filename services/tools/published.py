"""The tools of published versions, beside those of the folder: each version has a toolbox of its own, which stays as it
is. A call keeps the tools it began with, also on a replica that never had them: they are fetched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from parley.agents.page.wrapper import Wrapper, wrapper_now
from parley.bus.editions import Edition, Editions
from parley.published.bundle import is_published
from parley.secrets import Secrets
from services.tools.database import Database
from services.tools.discovery import Foreign, Toolbox, Toolboxes
from services.tools.records.arrivals import Arrivals
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore

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
        self._made_with = (database, secrets, foreign)
        self._editions = editions
        self._arrivals = arrivals
        self._boxes: dict[Edition, Toolboxes] = {}

    async def have(self, agent: str, version: str) -> None:
        if is_published(version):
            edition = await self._editions.of(agent, version)
            if edition.version and edition not in self._boxes:
                await asyncio.to_thread(Toolboxes.read, self._of(edition), agent)
        elif self._arrivals is not None and not self._editions.versions(agent).current:
            await self._arrivals.look(agent)

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
        for boxes in self._boxes.values():
            await boxes.close()
        await super().close()

    def _of(self, edition: Edition) -> Toolboxes:
        if not edition.version:
            return self
        boxes = self._boxes.pop(edition, None) or Toolboxes(
            edition.root, *self._made_with, tag=f"_{edition.version}"
        )
        self._boxes[edition] = boxes
        if len(self._boxes) > MAX_VERSIONS:
            self._boxes.pop(next(iter(self._boxes))).forget()
        return boxes


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
            await load_seeds(self.store, edition.root, agent)
