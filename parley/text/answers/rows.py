"""Phrases one behind the other, found word by word. Pure.

A regex in which phrases repeat tries every way to cut the words up: "no thanks" is one phrase and two, and who says it
thirty times would never be answered. Here each place among the words is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


class Phrases:
    """Normalised ones. A place among words is the number of words before it."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._all = frozenset(tuple(phrase.split()) for phrase in phrases if phrase)
        self._longest = max(map(len, self._all), default=0)

    def ends(self, words: Sequence[str], at: int) -> Iterator[int]:
        """The places where those end that begin at this one."""
        for end in range(at + 1, min(len(words), at + self._longest) + 1):
            if tuple(words[at:end]) in self._all:
                yield end


def in_a_row(words: Sequence[str], begins: Iterable[int], *kinds: Phrases) -> frozenset[int]:
    """The places that are come to from these over none, one or several of the phrases of these kinds."""
    reached = set(begins)
    for at in range(len(words)):
        if at in reached:
            reached.update(end for phrases in kinds for end in phrases.ends(words, at))
    return frozenset(reached)
