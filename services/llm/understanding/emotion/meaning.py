"""The tier on this machine: what a sentence says and means, in the languages that have a file here."""

from __future__ import annotations

import asyncio

from parley.text.spoken import normalise
from parley.text.words import count
from services.llm.contract import Emotion, Role, Turn
from services.llm.local.understanding.understanding import Embeds
from services.llm.understanding.emotion.reading import Reading
from services.llm.understanding.emotion.wording import EMOTIONS, wording

UNSURE = 0.3  # a share below it says nothing
SAID_AGAIN_WORDS = 3  # who says so many words once more was not understood
SAID_AGAIN_SHARE = 0.5  # at least, of frustrated then
MAX_CHARS = 1_000  # of a turn its end: people come to the point there


class Meaning:
    """Of one language; others it leaves to other tiers. `learn` first."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._reading: Reading | None = None
        self._embedder: Embeds | None = None

    async def learn(self, embedder: Embeds) -> None:
        """Some seconds of work, most of it the examples' meanings."""
        known = wording(self.language)
        meanings = await embedder.embed_async([text for text, _ in known.examples])
        self._reading = await asyncio.to_thread(Reading, known, known.examples, meanings)
        self._embedder = embedder

    async def of(self, turn: Turn) -> Emotion | None:
        """None: it is in another language, or nothing was learned."""
        if self._reading is None or self._embedder is None or turn.language.partition("-")[0] != self.language:
            return None
        text = normalise(turn.text[-MAX_CHARS:])
        if not text:
            return Emotion("neutral", 1.0, "phrases")
        (vector,) = await self._embedder.embed_async([text])
        shares, told = self._reading.of(text, vector)
        by_name = dict(zip(EMOTIONS, map(float, shares), strict=True))
        emotion = max(by_name, key=by_name.__getitem__)
        if emotion in ("neutral", "confused") and _said_again(turn, text):
            return Emotion("frustrated", max(SAID_AGAIN_SHARE, by_name["frustrated"]), "phrases")
        if by_name[emotion] < UNSURE:
            return Emotion("neutral", by_name["neutral"], "meaning")
        by = "phrases" if told[EMOTIONS.index(emotion)] else "meaning"
        return Emotion(emotion, by_name[emotion], by)


def _said_again(turn: Turn, text: str) -> bool:
    """Word for word what they said a moment ago."""
    if count(text) < SAID_AGAIN_WORDS:
        return False
    return any(normalise(line.text) == text for line in turn.context if line.role is Role.USER)
