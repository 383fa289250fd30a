"""How tables of words are written, and what is asked of them. Text is normalised, with single spaces."""

from __future__ import annotations

from collections.abc import Sequence


def table(text: str) -> frozenset[str]:
    return frozenset(text.split())


def phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(",") if phrase.strip())


def ends(said: str, tails: Sequence[str]) -> bool:
    return any(said.endswith(p) and (len(said) == len(p) or said[-len(p) - 1] == " ") for p in tails)


def starts(said: str, heads: Sequence[str]) -> bool:
    return any(said.startswith(p) and (len(said) == len(p) or said[len(p)] == " ") for p in heads)
