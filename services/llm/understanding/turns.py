"""Understanding turns of callers: the tiers in order, on a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog

from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.embedding import Vectors
from parley.errors import NotBuilt
from parley.published.shelf import Shelf
from parley.settings import Settings
from services.llm.contract import Emotion, Turn, Understood, Wish
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.kept import Kept
from services.llm.local.understanding.learned import Learned
from services.llm.local.understanding.vocabulary import knowledge_of
from services.llm.understanding.aside import Aside
from services.llm.understanding.emotion.meaning import Meaning
from services.llm.understanding.emotion.wording import languages
from services.llm.understanding.intents import Intents

log = structlog.get_logger()

ENGLISH = "en"
MOST = 64
"""Turns under way at once; one takes some 20 ms."""


class EmotionTier(Protocol):
    """One way to tell how a caller feels. None: it has no say (another language, not sure): the next one is asked."""

    async def of(self, turn: Turn) -> Emotion | None: ...


class Embeddings(Protocol):
    """What computes sentence embeddings where it is called; safe for several threads."""

    name: str

    def embed(self, texts: list[str]) -> Vectors: ...


class Turns:
    """One for the process. `embeds` gives its embedder, None where there is none: then nothing is understood."""

    def __init__(
        self, settings: Settings, embeds: Callable[[], Awaitable[Embeddings | None]], most: int = MOST
    ) -> None:
        self._settings = settings
        self._embeds = embeds
        self._aside = Aside(most)
        self._learned = Learned(settings.agents_dir, self._learn, Shelf(settings.data_dir))
        self._tiers: Sequence[EmotionTier] = ()
        self._kept: Kept | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._tasks = TaskSet(lambda e: log.error("learning how callers feel failed", exc_info=e))

    async def of(self, turn: Turn) -> Understood:
        """Raises AtCapacity, NotBuilt (no embeddings), NotFound (no such agent), Misconfigured (its phrases)."""
        embedder = await self._embeds()
        if embedder is None:
            raise NotBuilt("understand: no sentence embeddings are installed here")
        return await self._aside.run(lambda: self._understood(turn, embedder))

    async def aclose(self) -> None:
        """What is being learned is cancelled with its thread."""
        await self._aside.aclose()

    async def _understood(self, turn: Turn, embedder: Embeddings) -> Understood:
        await self._prepared(embedder)
        wish, language = Wish(), turn.language
        if turn.agent:
            intents = await self._learned.of(turn.agent, turn.agent_version)
            assert isinstance(intents, Intents)
            wish, language = await intents.wish(turn.text), language or intents.domain.agent.language
        return Understood(await self._felt(replace(turn, language=language or ENGLISH)), wish)

    async def _felt(self, turn: Turn) -> Emotion:
        for tier in self._tiers:
            if (found := await tier.of(turn)) is not None:
                return found
        return Emotion()

    async def _prepared(self, embedder: Embeddings) -> None:
        """Once, on the loop of the thread. It goes on when who asked first does not wait to its end."""
        if self._preparing is None or (self._preparing.done() and not self._tiers):
            self._preparing = self._tasks.spawn(self._prepare(embedder))
        await asyncio.shield(self._preparing)

    async def _prepare(self, embedder: Embeddings) -> None:
        self._kept = Kept(_Here(embedder), self._settings.data_dir / "models" / embedder.name / "phrases")
        tiers = [Meaning(language) for language in languages()]
        for tier in tiers:
            await tier.learn(self._kept)
        self._tiers = tiers

    async def _learn(self, agent: Agent, root: Path) -> Intents:
        """Raises Misconfigured (the agent's phrases)."""
        knowledge = root / agent.name / "knowledge"
        made = Intents(await asyncio.to_thread(lambda: Domain(agent, knowledge_of(knowledge))))
        if made.domain.language.embeddings and self._kept is not None:
            await made.learn(self._kept)
        return made


class _Here:
    """An embedder for the loop of a thread: it computes on that loop's executor, not in the embedder's own line, where
    calls would wait behind it."""

    def __init__(self, embedder: Embeddings) -> None:
        self._embedder = embedder

    async def embed_async(self, texts: list[str]) -> Vectors:
        return await asyncio.to_thread(self._embedder.embed, texts)
