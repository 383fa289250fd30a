"""What all agents know: keeps the index up to date and answers searches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import structlog
from prometheus_client import Histogram

from parley.agents.files import known_agents, load_agent
from parley.aio import TaskSet
from parley.bus.editions import Edition, Editions
from parley.embedding import Embedder
from parley.errors import AtCapacity, BadInput, ParleyError, Unavailable
from parley.published.bundle import is_published
from parley.reloading.rereading import Stamp, stamp_of
from services.rag import words
from services.rag.index import Found, VectorIndex
from services.rag.ingestion import Ingested, ingest

log = structlog.get_logger()

_MS = (1, 2, 3, 5, 8, 12, 20, 50, 200, 1000)
SEARCH_MS = Histogram("voice_rag_search_ms", "One search, embedding included", buckets=_MS)

DEFAULT_LIMIT = 4
MOST_RESULTS = 20
MOST_CHARACTERS = 1000
MOST_FILTERS = 8
# Searches that wait for the one embedding thread: 64 wait about 0.2 s, longer than a caller should.
MOST_WAITING = 64
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
LOOK_S = 1.0
"""Between two looks for agents that have come."""
_RETRY_S = (0.5, 1.0, 2.0, 5.0)


class Library:
    """`start` reads all agents' files in the background; until an agent's are read its searches raise Unavailable.

    An agent that comes later is read when it is there. `prepare` reads those of a published version. Versions with the
    same knowledge share it.
    """

    def __init__(self, editions: Editions, embedder: Embedder, index: VectorIndex) -> None:
        self._editions = editions
        self._agents_dir = editions.folder
        self._embedder = embedder
        self._index = index
        self._ready: dict[str, str] = {}  # what is read -> its language
        self._newest: dict[str, str] = {}  # by agent, of what is published of it
        self._refused: dict[str, Stamp] = {}  # agents of the folder, as their files were when they were wrong
        self._ingesting = asyncio.Lock()
        self._waiting = 0
        self._tasks = TaskSet(lambda error: log.error("knowledge was not read", exc_info=error))

    def start(self) -> None:
        self._tasks.spawn(self._ingest_all())

    async def close(self) -> None:
        await self._tasks.close()
        await self._index.close()
        self._embedder.close()

    async def search(
        self, agent: str, query: str, limit: int, filters: Mapping[str, str], version: str = ""
    ) -> list[Found]:
        """Passages that bear on `query`, best first; 0 = 4 of them. `version`: of the agent, that the call began with.

        Raises BadInput, NotFound (no such agent), Misconfigured (its agent.yaml), Unavailable (its files are not read
        yet), AtCapacity.
        """
        _check(query, limit, filters)
        read = self._read_of(agent, version)
        if read not in self._ready:
            if not is_published(version) or agent not in self._editions.names():
                load_agent(self._agents_dir, agent)  # what is wrong with it will not pass
            raise Unavailable(f"the knowledge of {agent!r} is still being read; ask again in a moment")
        if self._waiting >= MOST_WAITING:
            raise AtCapacity(f"{self._waiting} searches are waiting here")
        self._waiting += 1
        started = asyncio.get_running_loop().time()
        try:
            dense = (await self._embedder.embed_async([query]))[0]
            sparse = words.of_question(query, self._ready[read])
            return await self._index.search(read, dense, sparse, limit or DEFAULT_LIMIT, filters)
        finally:
            self._waiting -= 1
            SEARCH_MS.observe((asyncio.get_running_loop().time() - started) * 1000)

    async def ingest(self, agent: str) -> Ingested:
        """Read the knowledge files of the agent's folder now. Raises NotFound, Misconfigured, Unavailable."""
        return await self._ingest(Edition(self._agents_dir, agent), agent)

    async def prepare(self, edition: Edition) -> None:
        """Read a published version's, unless another with the same was read. Raises as `ingest`."""
        name, read = edition.name, self._of_version(edition.name, edition.version)
        if not read:
            self._newest.pop(name, None)
            return
        if read not in self._ready:
            await self._ingest(edition, read)
        self._newest[name] = read
        await self._forget(name)

    def _of_version(self, agent: str, version: str) -> str:
        """Under which name a published version's knowledge stands; "" for one that is not published (any more)."""
        known = self._editions.versions(agent).find(version)
        return f"{agent}@{known.knowledge}" if known is not None else ""

    def _read_of(self, agent: str, version: str) -> str:
        """Where to search for a call of this version. What is not read yet, or not any more, is answered from the
        newest of the agent that is."""
        if not is_published(version):
            return agent
        read = self._of_version(agent, version)
        return read if read in self._ready else self._newest.get(agent, agent)

    async def _ingest(self, edition: Edition, name: str) -> Ingested:
        language = load_agent(edition.root, edition.name).language
        async with self._ingesting:
            folder = edition.root / edition.name / "knowledge"
            result = await ingest(folder, name, language, self._embedder, self._index)
        self._ready[name] = language
        log.info("knowledge read", agent=name, files=result.files, changed=result.changed, passages=result.passages)
        return result

    async def _forget(self, agent: str) -> None:
        """Knowledge of versions to which nobody can go back."""
        versions = self._editions.versions(agent).versions
        kept = {agent, *(f"{agent}@{version.knowledge}" for version in versions)}
        for name in await self._index.agents():
            if name.partition("@")[0] == agent and name not in kept:
                self._ready.pop(name, None)
                for file in await self._index.files(name):
                    await self._index.remove(name, file)
                log.info("knowledge of older versions removed", agent=name)

    async def _ingest_all(self) -> None:
        waits = iter(_RETRY_S)
        agents = known_agents(self._agents_dir)
        if not agents:
            log.warning("no agents found", folder=str(self._agents_dir), remedy="set PARLEY_AGENTS_DIR")
        while agents:
            agents = [agent for agent in agents if not await self._ingested(agent)]
            if agents:
                await asyncio.sleep(next(waits, _RETRY_S[-1]))
        await self._ingest_new()

    async def _ingest_new(self) -> None:
        """The agents that come to the folder from now on, and those whose agent.yaml was wrong and is edited: when
        nothing has changed since the look before, as an agent's files come one after another."""
        before: dict[str, Stamp] = {}
        while True:
            await asyncio.sleep(LOOK_S)
            unread = await asyncio.to_thread(self._unread)
            for agent, stamp in unread.items():
                if before.get(agent) == stamp != self._refused.get(agent) and not await self._ingested(agent):
                    await asyncio.sleep(_RETRY_S[-1])
            before = unread

    def _unread(self) -> dict[str, Stamp]:
        """Agents of the folder whose knowledge is not read, and by what an edit of them is known."""
        return {name: self._stamp(name) for name in known_agents(self._agents_dir) if name not in self._ready}

    def _stamp(self, agent: str) -> Stamp:
        home = self._agents_dir / agent
        return stamp_of([home / "agent.yaml", *sorted((home / "knowledge").glob("*"))])

    async def _ingested(self, agent: str) -> bool:
        """False when it is worth another try."""
        stamp = await asyncio.to_thread(self._stamp, agent)
        try:
            await self.ingest(agent)
        except ParleyError as e:
            log.warning("knowledge not read", agent=agent, error=str(e), again=e.retryable)
            if not e.retryable:
                self._refused[agent] = stamp
            return not e.retryable
        return True


def _check(query: str, limit: int, filters: Mapping[str, str]) -> None:
    if not query.strip():
        raise BadInput("query: empty; say what is to be found")
    if len(query) > MOST_CHARACTERS:
        raise BadInput(f"query: {len(query)} characters; at most {MOST_CHARACTERS}")
    if limit > MOST_RESULTS:
        raise BadInput(f"limit: {limit}; at most {MOST_RESULTS}")
    if len(filters) > MOST_FILTERS:
        raise BadInput(f"filter: {len(filters)} fields; at most {MOST_FILTERS}")
    for name in filters:
        if not _FIELD.fullmatch(name):
            raise BadInput(f"filter: {name!r} is not a field; names are a-z, 0-9 and _, up to 40")
