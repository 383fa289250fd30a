"""A sentence in its parts. Pure."""

from __future__ import annotations

from services.llm.local.languages.language import Language
from services.llm.local.understanding import slots

_MAX_CLAUSES = 4


def wishes(said: str, language: Language) -> list[str]:
    """The parts, normalised, that ask for something, in order."""
    return [part for part in language.parts(said, "joints") if len(part.split()) >= 3 and language.asks(part)]


def clauses(said: str, text: str, language: Language) -> list[str]:
    """Parts of a sentence, by its punctuation and by "and" and "but"; the last first. [] if it is one."""
    parts = language.parts(said, "clauses")
    parts = [p for p in parts if (len(p.split()) > 2 or any(len(n.digits) > 2 for n in slots.numbers(p))) and p != text]
    return parts[::-1][:_MAX_CLAUSES]


def is_question(said: str, language: Language) -> bool:
    return "?" in said or language.asks(language.normalise(said))


def says_enough(clause: str, language: Language) -> bool:
    return sum(word not in language.common for word in clause.split()) > 0
