"""Understanding turns of callers: the tiers in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog

from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.embedding import Vectors
from parley.published.shelf import Shelf
from services.llm.contract import Emotion, Turn, Understood, Wish
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.kept import Kept
from services.llm.local.understanding.learned import Learned
from services.llm.local.understanding.vocabulary import knowledge_of
from services.llm.understanding.emotion.meaning import Meaning
from services.llm.understanding.emotion.wording import languages
from services.llm.understanding.intents import Intents

log = structlog.get_logger()

ENGLISH = "en"


class EmotionTier(Protocol):
    """One way to tell how a caller feels. None: it has no say (another language, not sure): the next one is asked."""

    async def of(self, turn: Turn) -> Emotion | None: ...


class Embeddings(Protocol):
    """What computes sentence embeddings. `name` changes with its weights."""

    name: str

    async def embed_async(self, texts: list[str]) -> Vectors: ...


class Turns:
    """Of the agents in a folder, and of published ones in `data_dir`, where what was worked out is kept, too. It
    computes for seconds at a time: not for a loop that serves calls."""

    def __init__(self, agents_dir: Path, data_dir: Path, embedder: Embeddings) -> None:
        self._learned = Learned(agents_dir, self._learn, Shelf(data_dir))
        self._kept = Kept(embedder, data_dir / "models" / embedder.name / "phrases")
        self._tiers: Sequence[EmotionTier] = ()
        self._preparing: asyncio.Task[None] | None = None
        self._tasks = TaskSet(lambda e: log.error("learning how callers feel failed", exc_info=e))

    async def of(self, turn: Turn) -> Understood:
        """Raises NotFound (no such agent), Misconfigured (its phrases)."""
        await self._prepared()
        wish, language = Wish(), turn.language
        if turn.agent:
            intents = await self._learned.of(turn.agent, turn.agent_version)
            assert isinstance(intents, Intents)
            wish, language = await intents.wish(turn.text), language or intents.domain.agent.language
        return Understood(await self._felt(replace(turn, language=language or ENGLISH)), wish)

    async def aclose(self) -> None:
        """What is being learned is cancelled."""
        await self._tasks.close()
        await self._learned.aclose()

    async def _felt(self, turn: Turn) -> Emotion:
        for tier in self._tiers:
            if (found := await tier.of(turn)) is not None:
                return found
        return Emotion()

    async def _prepared(self) -> None:
        """Once. It goes on when who asked first does not wait to its end."""
        if self._preparing is None or (self._preparing.done() and not self._tiers):
            self._preparing = self._tasks.spawn(self._prepare())
        await asyncio.shield(self._preparing)

    async def _prepare(self) -> None:
        tiers = [Meaning(language) for language in languages()]
        for tier in tiers:
            await tier.learn(self._kept)
        self._tiers = tiers

    async def _learn(self, agent: Agent, root: Path) -> Intents:
        """Raises Misconfigured (the agent's phrases)."""
        knowledge = root / agent.name / "knowledge"
        made = Intents(await asyncio.to_thread(lambda: Domain(agent, knowledge_of(knowledge))))
        if made.domain.language.embeddings:
            await made.learn(self._kept)
        return made
