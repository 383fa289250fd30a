"""A sentence in its parts. Pure."""

from __future__ import annotations

import re

from parley.text.phrases import normalise
from services.llm.local.understanding import slots
from services.llm.local.understanding.word_lists import COMMON

_MAX_CLAUSES = 4
_JOINTS = re.compile(r"[.;!?]+\s+|,?\s(?:and also|and then|and|also|plus)\s")
_ASKS = re.compile(
    r"(?:and |also |hi |hello |well |so |then )*(?:what|where|when|how|who|which|is|are|do|does|did"
    r"|can|could|will|would|has|have|i (?:want|need|would like)|tell me|please|check|look|track|find)\b"
)


def wishes(said: str) -> list[str]:
    """The parts, normalised, that ask for something, in order."""
    parts = [normalise(part) for part in _JOINTS.split(said)]
    return [part for part in parts if len(part.split()) >= 3 and _ASKS.match(part)]


def clauses(said: str, text: str) -> list[str]:
    """Parts of a sentence, by its punctuation and by "and" and "but"; the last first. [] if it is one."""
    parts = [normalise(p) for p in re.split(r"[.,;:!?\u2013\u2014]+\s|\s(?:and|but|because|so)\s", said)]
    parts = [p for p in parts if (len(p.split()) > 2 or any(len(n.digits) > 2 for n in slots.numbers(p))) and p != text]
    return parts[::-1][:_MAX_CLAUSES]


def is_question(said: str) -> bool:
    return "?" in said or _ASKS.match(normalise(said)) is not None


def says_enough(clause: str) -> bool:
    return sum(word not in COMMON for word in clause.split()) > 0
