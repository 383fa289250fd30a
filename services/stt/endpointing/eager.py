"""The early word that a turn is probably over, and its taking back: so that others may think ahead."""

from __future__ import annotations

import unicodedata

from parley.text.words import folded
from services.stt.endpointing.policy import Wait

FROM_MS = 150
"""Silence before which nothing is told; with a VAD it takes a little longer until there is any."""
LIKELY = 0.5
LAST_MS = 600
"""Of the wait for an end that looked unlikely: with so little left, it is worth thinking after all."""
TRIES = 3
"""In one turn; each costs others a round of thought."""


class Eager:
    """One turn's tries. At most one is open; words that say something else close it."""

    def __init__(self) -> None:
        self._told: str | None = None
        self._tries = 0

    def due(self, wait: Wait, silence_ms: int) -> bool:
        if self._told is not None or self._tries >= TRIES or wait.ms is None or silence_ms < FROM_MS:
            return False
        return wait.over >= LIKELY or silence_ms >= wait.ms - LAST_MS

    def tell(self, text: str) -> None:
        self._told = _plain(text)
        self._tries += 1

    def overtaken(self, text: str) -> bool:
        """The caller has said something else than was told. True once."""
        if self._told is None or self._told == _plain(text):
            return False
        self._told = None
        return True

    def over(self) -> None:
        """The turn has ended."""
        self._told = None
        self._tries = 0


def _plain(text: str) -> str:
    """The same words, however they are written: finals come with points and capitals, interims may not."""
    return "".join(c for c in folded(text) if c.isalnum() or unicodedata.category(c)[0] == "M")
