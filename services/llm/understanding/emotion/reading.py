"""Feelings learned from examples: phrases, words and meaning of a sentence speak together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parley.embedding import Vectors
from services.llm.understanding.emotion.wording import EMOTIONS, Wording
from services.llm.understanding.emotion.words import Words
from services.llm.understanding.softmax import trained

PHRASE = 3.5  # nats that a phrase speaks for its feeling
PLAIN = 0.5  # nats for neutral: most of what callers say is plain, and the examples are as many of each feeling
STRENGTH = 10.0


class Reading:
    """Learned from `examples`, normalised sentences with their feelings, and their meanings. Half a second of work."""

    def __init__(self, wording: Wording, examples: Sequence[tuple[str, str]], meanings: Vectors) -> None:
        self._wording = wording
        self._words = Words(text for text, _ in examples)
        rows = [self._features(text, vector) for (text, _), vector in zip(examples, meanings, strict=True)]
        self._model = trained(np.stack(rows), [emotion for _, emotion in examples], STRENGTH)
        self._order = [self._model.labels.index(emotion) for emotion in EMOTIONS]

    def of(self, text: str, meaning: Vectors) -> tuple[Vectors, tuple[bool, ...]]:
        """Of a normalised sentence: the share of each of EMOTIONS, and whether a phrase tells it."""
        told = self._wording.told(text)
        speaks = PHRASE * np.array(told, np.float32)
        speaks[EMOTIONS.index("neutral")] += PLAIN
        more = np.zeros(len(EMOTIONS), np.float32)
        more[self._order] = speaks
        return self._model.of(self._features(text, meaning), more)[self._order], told

    def _features(self, text: str, meaning: Vectors) -> Vectors:
        return np.concatenate([meaning, self._words.of(text)])
