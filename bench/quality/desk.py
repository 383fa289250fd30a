"""The front desk that is measured: the engine without a vendor, with the passages the real rag library finds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.quality.judge import AFTER_THE_OFFER, OFFER, Outcome, page_of
from bench.quality.sets import AGENT, Case
from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.bus.editions import Editions
from parley.embedding import Embedder
from parley.settings import Settings
from services.llm.contract import Message, Passage, Role
from services.llm.providers.local import Local
from services.rag.indexes import open_index
from services.rag.library import Library
from testbed.frontdesk import AGENTS, SPECS, TOOLS
from testbed.talk import Talk

WISH = "could you gift wrap it"  # what the offer was made for


class Desk:
    """Each sentence is said in a call of its own: the caller's first, or the answer to an offer."""

    def __init__(self, agent: Agent, engine: Local, library: Library) -> None:
        self.agent = agent
        self._engine = engine
        self._library = library

    async def hears(self, case: Case, text: str) -> Outcome:
        """What comes of `text`, which is the case's text or what was heard of it. Nothing comes of nothing."""
        if not text:
            return Outcome()
        knowledge = self.agent.knowledge
        found = await self._library.search(self.agent.name, text, knowledge.limit, {})
        passages = tuple(Passage(p.text, p.source, p.score) for p in found if p.score >= knowledge.min_score)
        messages = [Message(Role.ASSISTANT, self.agent.greeting)]
        if case.intent in AFTER_THE_OFFER:
            messages += [Message(Role.USER, WISH), Message(Role.ASSISTANT, OFFER)]
        talk = Talk(lambda: self._engine, self.agent.name, TOOLS, SPECS, passages, messages)
        said = await talk.say(text)
        return Outcome(said, tuple(talk.did), "" if talk.did else page_of(said, passages))


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    """The front desk, with models and index in `folder`, whatever else the environment asks for."""
    settings = Settings.read(agents_dir=AGENTS, agent=AGENT, data_dir=folder, qdrant_url="")
    engine = Local(settings)
    library = Library(Editions(AGENTS), Embedder.load(folder), open_index(settings))
    try:
        await library.ingest(AGENT)
        await engine.warm()
        yield Desk(load_agent(AGENTS, AGENT), engine, library)
    finally:
        await library.close()
        await engine.aclose()
