"""Words and pairs of words as a vector: what a sentence is made of, where its meaning alone does not tell a feeling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from parley.embedding import Vectors

LEAST = 2  # sentences of the examples that have it


class Words:
    """Those of some examples."""

    def __init__(self, texts: Iterable[str]) -> None:
        seen = Counter(part for text in texts for part in set(_parts(text)))
        self._place = {part: place for place, part in enumerate(p for p, often in seen.items() if often >= LEAST)}

    def of(self, text: str) -> Vectors:
        """Of a normalised sentence: unit length, or zero where none of it is known."""
        vector = np.zeros(len(self._place), np.float32)
        for part in _parts(text):
            if (place := self._place.get(part)) is not None:
                vector[place] = 1
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length else vector


def _parts(text: str) -> Iterator[str]:
    words = text.split()
    yield from words
    for one, next_ in zip(["<", *words], [*words, ">"], strict=True):
        yield f"{one} {next_}"
