"""Guesses at a sentence under way: what two in a row agree on stays. Pure."""

from __future__ import annotations

from services.stt.whisper.trust import plain


class StablePrefix:
    """One utterance's guesses."""

    def __init__(self) -> None:
        self._last: list[str] = []
        self._kept: list[str] = []

    def add(self, text: str) -> tuple[str, float]:
        """The guess to be shown, and which share of its words is not expected to change.

        Figures and the last word are not settled: "44" may become "4421", "can" may become "can't".
        """
        words = [*self._kept, *text.split()[len(self._kept) :]]
        agreed = 0
        for word, before in zip(words[:-1], self._last, strict=False):
            if plain(word) != plain(before) or any(c.isdigit() for c in word):
                break
            agreed += 1
        self._last = words
        if agreed > len(self._kept):
            self._kept = words[:agreed]
        return " ".join(words), len(self._kept) / len(words) if words else 0.0
