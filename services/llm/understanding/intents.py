"""What a caller wants, of an agent's own domain: by its phrases, else by what they mean. With the values they name."""

from __future__ import annotations

import asyncio

import numpy as np

from parley.embedding import Vectors
from services.llm.contract import Wish
from services.llm.local.understanding.domain import Domain, comparable
from services.llm.local.understanding.nearness import near_to
from services.llm.local.understanding.understanding import Embeds, Understanding
from services.llm.understanding.softmax import Softmax, trained

NEAR = 0.45  # cosine to the nearest examples of any intent, below which it is none of them
SURE = 0.3  # of the likeliest intent's share
STRENGTH = 30.0
NONE = ""


class Intents(Understanding):
    """Of one agent. Phrases, slots and what must be evident are those of the engine without a vendor; which intent a
    meaning is nearest to is told by a softmax over all examples, that knows what is off everybody's topic, too."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._model: Softmax | None = None
        self._meanings: Embeds | None = None

    async def learn(self, embedder: Embeds) -> None:
        await super().learn(embedder)
        if not self._vectors:
            return
        rows: list[Vectors] = [*self._vectors.values(), self._off_topic]
        labels = [name for name, of in (*self._vectors.items(), (NONE, self._off_topic)) for _ in range(len(of))]
        self._model = await asyncio.to_thread(trained, np.concatenate(rows), labels, STRENGTH)
        self._meanings = embedder

    async def wish(self, said: str) -> Wish:
        """`confidence` 1: a phrase; else the share of the likeliest, also where it is too small to be believed."""
        meaning = await self.of(said)
        if meaning.by == "pattern":
            return Wish(meaning.intent, 1.0, meaning.slots, "phrases")
        if self._model is None or self._meanings is None or not meaning.text:
            return Wish(slots=meaning.slots)
        (vector,) = await self._meanings.embed_async([comparable(meaning.text)])
        shares = self._model.of(vector)
        name, share = max(zip(self._model.labels, map(float, shares), strict=True), key=lambda each: each[1])
        near = max(near_to(of, vector) for of in self._vectors.values())
        if name == NONE or near < NEAR or share < SURE:
            return Wish(confidence=0.0 if name == NONE else share, slots=meaning.slots)
        return Wish(name, share, meaning.slots, "meaning")
