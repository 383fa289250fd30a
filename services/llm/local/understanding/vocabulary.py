"""Which words of a sentence name what an agent's business does not have: "my car" at a bicycle shop. Pure.

A recogniser that hears anything writes anything. An intent is believed only of a sentence that names nothing strange:
no word that is neither common English nor in the agent's phrases, keyterms, `words` and knowledge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from parley.text.phrases import NUMBER_RUN, normalise
from services.llm.local.languages.language import ENGLISH
from services.llm.local.understanding.word_lists import BY_THE_WAY, EVERYDAY, TWINS, words_of

_NUMBER = re.compile(rf"(?:{NUMBER_RUN}|\d+(?:st|nd|rd|th))")
_INTRODUCTION = re.compile(r"\b(?:my name is|this is|my name) (?!(?:the|a|an|my|your|about|for)\b)\w+(?: \w+)?")
# After these an unknown word says what somebody does or how something is: "it squeaks", "not wobbly".
_BEFORE_VERBS = words_of(
    "i you we they it he she who not cannot will would could should may might must please just too so very really "
    "to been be being get gets got getting"
)
_BE_OR_DO = words_of("is are was were do does did has have had")
_OPENING = words_of("and but so well hi hello hey okay what when where how why which who time")
_WORD = re.compile(r"[A-Za-z]+")
# Behind these a word names a thing.
_BEFORE_THINGS = words_of("my your our his her their the a an new old any some these those front rear back of for no")
_MAX_KNOWLEDGE = 2_000_000


class Vocabulary:
    """`own`: the words of each intent's phrases. `core`: what the business is about, whatever is wanted with it."""

    def __init__(self, own: Mapping[str, Iterable[str]], core: Iterable[str], knowledge: str = "") -> None:
        self._own = {name: _bases_of(words) for name, words in own.items()}
        shared = Counter(word for words in self._own.values() for word in words)
        self.core = _bases_of(core) | {word for word, count in shared.items() if count > 1}
        told = normalise(knowledge[:_MAX_KNOWLEDGE]).split()
        self._told = self.core | {form for word in told for form in (word, *_singulars(word))}
        self._meant = self.core.union(*self._own.values())
        self._phrases = self._told.union(*self._own.values())

    def is_core(self, text: str) -> bool:
        """Whether all that a sentence names is what the business is about."""
        named = [word for word in text.split() if not is_plain(word)]
        return bool(named) and all(bases(word) & self.core for word in named)

    def in_core(self, word: str) -> bool:
        """Whether a word is of what the business is about, whatever is wanted with it."""
        return bool(bases(word) & self.core)

    def has(self, word: str, intent: str) -> bool:
        """Whether an intent's own phrases hold the word."""
        return bool(bases(word) & self._own.get(intent, frozenset()))

    def belongs(self, word: str, intent: str) -> bool:
        """Whether it is one of the rarer words of an intent's own phrases."""
        return not is_plain(word) and self.has(word, intent)

    def respelled(self, said: str) -> str:
        """A sentence with its things spelled as the business does: "my breaks squeak" at a bicycle shop."""
        before = ""

        def spell(found: re.Match[str]) -> str:
            nonlocal before
            word, last = found.group().lower(), before
            before = word
            twin = TWINS.get(word, "")
            if not twin or not bases(twin) & self._meant or bases(word) & self._meant:
                return found.group()
            names = last in _BEFORE_THINGS or (bool(bases(last) & self._meant) and not is_plain(last))
            return twin if names else found.group()

        return _WORD.sub(spell, said)

    def unknown(self, text: str) -> list[str]:
        """All words of a normalised sentence that are neither plain nor what knowledge may speak of."""
        return [w for w in text.split() if not is_plain(w) and not bases(w) & (self._told - BY_THE_WAY)]

    def strangers(self, text: str, intent: str = "", strict: bool = False) -> list[str]:
        """Words of a normalised sentence that name what the business does not have.

        What only other intents speak of is strange to `intent`: "leave my car" does not tell what cars cost.
        `strict`: knowledge does not count, since what follows is done at once.
        """
        text = without_introduction(text)
        known = self._phrases
        if intent:
            told = frozenset() if strict else self._told - BY_THE_WAY
            known = self.core | told | self._own.get(intent, frozenset())
        words = text.split()
        found = [i for i in range(len(words)) if _names_something(words, i) and not bases(words[i]) & known]
        return [words[i] for i in found if not self._is_goal(words, i, intent)]

    def _is_goal(self, words: list[str], i: int, intent: str) -> bool:
        """Whether it is the place of what the intent itself speaks of: "do you ship to norway"."""
        return words[i - 1 : i] == ["to"] and any(self.belongs(word, intent) for word in words[:i])


class AnyWords(Vocabulary):
    """Of a language whose everyday words are not known: no word is strange, and none is spelled otherwise."""

    def is_core(self, text: str) -> bool:
        return False

    def respelled(self, said: str) -> str:
        return said

    def unknown(self, text: str) -> list[str]:
        return []

    def strangers(self, text: str, intent: str = "", strict: bool = False) -> list[str]:
        return []


def knowledge_of(folder: Path) -> str:
    """All text of an agent's knowledge files, bounded; "" without any."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt"))
    text = ""
    for path in files:
        if len(text) < _MAX_KNOWLEDGE:
            text += path.read_text("utf-8", "replace") + "\n"
    return text


def bases(word: str) -> frozenset[str]:
    """The word, and what it may be a form of: "batteries" -> batteries, battery; "shipped" -> shipped, shipp, ship."""
    found = {word}
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            short = word.removesuffix(ending)
            found.add(short + instead)
            if ending in ("ing", "ed") and short[-1] == short[-2]:
                found.add(short[:-1])
    return frozenset(found)


def is_plain(word: str) -> bool:
    """Whether a word is common English, or a number."""
    return len(word) < 2 or bool(bases(word) & _PLAIN_BASES) or _NUMBER.fullmatch(word) is not None


def without_introduction(text: str) -> str:
    """A sentence without the name by which somebody introduces himself."""
    return _INTRODUCTION.sub(" ", text)


def _singulars(word: str) -> list[str]:
    """Things only: "oiling the chain" does not speak of oil."""
    return [word.removesuffix(e) + i for e, i in (("ies", "y"), ("es", ""), ("s", "")) if word.endswith(e)]


def _bases_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(base for word in words for base in bases(word))


_PLAIN_BASES = _bases_of(EVERYDAY | ENGLISH.words)


def _names_something(words: list[str], i: int) -> bool:
    """Whether an unknown word at this place is most likely a thing, a place or a person."""
    if is_plain(words[i]) or words[i].endswith("ly"):
        return False
    before = words[i - 1] if i else ""
    if before == "to":
        return i == len(words) - 1  # "to london"; else "to wobble a bit"
    if before in _BE_OR_DO:  # "is milk delivered" names; "my wheel is buckled" does not
        return all(w in _OPENING for w in words[: i - 1])
    return before not in _BEFORE_VERBS
