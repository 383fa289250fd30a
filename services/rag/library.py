"""What all agents know: keeps the index up to date and answers searches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import structlog
from prometheus_client import Histogram

from parley.agents.files import known_agents, load_agent
from parley.aio import TaskSet
from parley.embedding import Embedder
from parley.errors import AtCapacity, BadInput, ParleyError, Unavailable
from services.rag import words
from services.rag.index import Found, VectorIndex
from services.rag.ingestion import Ingested, ingest

log = structlog.get_logger()

SEARCH_MS = Histogram("voice_rag_search_ms", "One search, embedding included", buckets=(1, 2, 3, 5, 8, 12, 20, 50, 200))

DEFAULT_LIMIT = 4
MOST_RESULTS = 20
MOST_CHARACTERS = 1000
MOST_FILTERS = 8
# Searches that wait for the one embedding thread: 64 wait about 0.2 s, longer than a caller should.
MOST_WAITING = 64
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RETRY_S = (0.5, 1.0, 2.0, 5.0)


class Library:
    """`start` reads all agents' files in the background; until an agent's are read its searches raise Unavailable."""

    def __init__(self, agents_dir: Path, embedder: Embedder, index: VectorIndex) -> None:
        self._agents_dir = agents_dir
        self._embedder = embedder
        self._index = index
        self._ready: set[str] = set()
        self._ingesting = asyncio.Lock()
        self._waiting = 0
        self._tasks = TaskSet(lambda error: log.error("knowledge was not read", exc_info=error))

    def start(self) -> None:
        self._tasks.spawn(self._ingest_all())

    async def close(self) -> None:
        await self._tasks.close()
        await self._index.close()
        self._embedder.close()

    async def search(self, agent: str, query: str, limit: int, filters: Mapping[str, str]) -> list[Found]:
        """Passages that bear on `query`, best first; 0 = 4 of them.

        Raises BadInput, NotFound (no such agent), Unavailable (its files are not read yet), AtCapacity.
        """
        _check(query, limit, filters)
        language = load_agent(self._agents_dir, agent).language
        if agent not in self._ready:
            raise Unavailable(f"the knowledge of {agent!r} is still being read; ask again in a moment")
        if self._waiting >= MOST_WAITING:
            raise AtCapacity(f"{self._waiting} searches are waiting here")
        self._waiting += 1
        started = asyncio.get_running_loop().time()
        try:
            dense = (await self._embedder.embed_async([query]))[0]
            sparse = words.of_question(query, language)
            return await self._index.search(agent, dense, sparse, limit or DEFAULT_LIMIT, filters)
        finally:
            self._waiting -= 1
            SEARCH_MS.observe((asyncio.get_running_loop().time() - started) * 1000)

    async def ingest(self, agent: str) -> Ingested:
        """Read the agent's knowledge files now. Raises NotFound, Misconfigured (its agent.yaml), Unavailable."""
        language = load_agent(self._agents_dir, agent).language
        async with self._ingesting:
            folder = self._agents_dir / agent / "knowledge"
            result = await ingest(folder, agent, language, self._embedder, self._index)
        self._ready.add(agent)
        log.info("knowledge read", agent=agent, files=result.files, changed=result.changed, passages=result.passages)
        return result

    async def _ingest_all(self) -> None:
        waits = iter(_RETRY_S)
        agents = known_agents(self._agents_dir)
        if not agents:
            log.warning("no agents found", folder=str(self._agents_dir), remedy="set PARLEY_AGENTS_DIR")
        while agents:
            agents = [agent for agent in agents if not await self._ingested(agent)]
            if agents:
                await asyncio.sleep(next(waits, _RETRY_S[-1]))

    async def _ingested(self, agent: str) -> bool:
        """False when it is worth another try."""
        try:
            await self.ingest(agent)
        except ParleyError as e:
            log.warning("knowledge not read", agent=agent, error=str(e), again=e.retryable)
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
