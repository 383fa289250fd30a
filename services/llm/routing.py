"""Whose a caller's line is, by its meaning: which specialist it is for, which refused topic it is about.

An agent is learned when it is first asked for, in the background: until then nothing is known. A line that is as near
to another as to the nearest, or to what is off everybody's topic, is nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from parley.agents.agent import Agent
from parley.agents.files import agent_now
from parley.aio import TaskSet
from parley.embedding import Vectors
from parley.errors import Misconfigured, NotBuilt, ParleyError
from parley.published.bundle import is_published
from parley.published.shelf import Shelf
from parley.settings import Settings
from parley.text.spoken import normalise
from services.llm.contract import Found
from services.llm.local.understanding.nearness import near_to
from services.llm.local.understanding.understanding import Embeds

log = structlog.get_logger()

LEAST = {"specialist": 0.42, "topic": 0.5}  # nearness of what is somebody's; a specialist can give the call back
MARGIN = 0.06  # nearer than to anybody else's, or to what is off the topic
SPELLINGS = 8  # of a phrase
MAX_EXAMPLES = 300  # of one specialist or topic
KEPT = 64  # agents and versions
_OFF_TOPIC = Path(__file__).parent / "local" / "understanding" / "off_topic.txt"


@dataclass(frozen=True, slots=True)
class Learned:
    """The meanings of what is somebody's, by (kind, name), and of what is nobody's."""

    labels: dict[tuple[str, str], Vectors]
    off_topic: Vectors


class Routing:
    """One for all calls of the process. `embeds` gives the process's embedder, None where there is none; without it one
    is loaded here when the first agent needs it."""

    def __init__(self, settings: Settings, embeds: Callable[[], Awaitable[Embeds | None]] | None = None) -> None:
        self._settings = settings
        self._shelf = Shelf(settings.data_dir)
        self.embeds = embeds or self.own
        self._mine: Embeds | None = None
        self._missing = False
        self._learned: dict[tuple[str, str], Learned] = {}
        self._learning: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._one = asyncio.Lock()
        self._tasks = TaskSet(lambda e: log.error("learning whose lines are whose failed", exc_info=e))

    async def of(self, agent: str, version: str, text: str) -> Found:
        """Raises NotBuilt (no embeddings), NotFound (no such agent)."""
        if self._missing:
            raise NotBuilt("route: no sentence embeddings are installed here")
        key = agent, version.partition(".")[0]
        if (learned := self._learned.get(key)) is None:
            if key not in self._learning:
                self._learning[key] = self._tasks.spawn(self._learn(key))
            return Found()
        if not learned.labels or (embedder := await self.embeds()) is None:
            return Found()
        (vector,) = await embedder.embed_async([normalise(text)])
        return nearest(learned, vector)

    async def learned(self) -> None:
        """Until what was asked for is learned."""
        if self._learning:
            await asyncio.wait(self._learning.values())

    async def aclose(self) -> None:
        await self._tasks.close()
        if close := getattr(self._mine, "close", None):
            await asyncio.to_thread(close)

    async def _learn(self, key: tuple[str, str]) -> None:
        try:
            async with self._one:
                if (root := self._root(*key)) is None:
                    return  # it is on its way to this machine
                agent = await asyncio.to_thread(agent_now, root, key[0])
                if (embedder := await self.embeds()) is None:
                    self._missing = True
                    return
                self._learned[key] = await _meanings(agent, embedder)
                while len(self._learned) > KEPT:
                    del self._learned[next(iter(self._learned))]
                log.info("learned whose lines are whose", agent=agent.name)
        except ParleyError as e:
            log.warning("whose lines are whose is not known", agent=key[0], error=str(e))
        finally:
            del self._learning[key]

    def _root(self, agent: str, version: str) -> Path | None:
        """The folder of agents in which it is as the call has it. None: that is not here (yet)."""
        if is_published(version):
            return self._shelf.find(agent, version)
        return self._settings.agents_dir if version else self._shelf.current(agent, self._settings.agents_dir)

    async def own(self) -> Embeds | None:
        """An embedder of its own, for a process that has no other."""
        if self._mine is None:
            try:
                from parley.embedding import Embedder

                self._mine = await asyncio.to_thread(Embedder.load, self._settings.embedding_dir)
            except (ModuleNotFoundError, Misconfigured) as e:
                log.warning("no sentence embeddings: who is to answer is known by phrases or by a model", reason=str(e))
        return self._mine


async def _meanings(agent: Agent, embedder: Embeds) -> Learned:
    texts: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, each in agent.specialists.items():
        texts["specialist", name] = (normalise(each.about), *each.spellings(SPELLINGS))[:MAX_EXAMPLES]
    for name, topic in agent.guardrails.refuse_topics.items():
        if topic.examples:
            texts["topic", name] = topic.spellings(SPELLINGS)[:MAX_EXAMPLES]
    labels = {label: await embedder.embed_async(list(lines)) for label, lines in texts.items()}
    strangers = [line for line in _OFF_TOPIC.read_text("utf-8").split("\n") if line]
    return Learned(labels, await embedder.embed_async(strangers) if labels else np.zeros((0, 384), np.float32))


def nearest(learned: Learned, vector: Vectors) -> Found:
    """Whose a line is: the nearest one's, if it is near enough and nobody else is as near."""
    ranked = sorted(((near_to(of, vector), label) for label, of in learned.labels.items()), reverse=True)
    score, (kind, name) = ranked[0]
    others = [near_to(learned.off_topic, vector), *(near for near, _ in ranked[1:2])]
    if score < LEAST[kind] or score < max(others) + MARGIN:
        return Found(score=max(0.0, score))
    return Found(specialist=name, score=score) if kind == "specialist" else Found(topic=name, score=score)
