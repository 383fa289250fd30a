"""Whether a sentence is about the agent's business at all, however near it comes to one of its intents. Pure."""

from __future__ import annotations

import re

from services.llm.local.understanding import slots
from services.llm.local.understanding.domain import Domain, Match
from services.llm.local.understanding.vocabulary import without_introduction
from services.llm.local.understanding.word_lists import TOPICLESS

_BECAUSE = re.compile(r"\b(?:about|because|regarding|concerning|since)\b")
_IDENTIFIES = 3  # digits
_STANDS_FOR = "it"  # what a pattern has taken of a sentence; what is left is looked at beside it


def for_match(domain: Domain, match: Match, text: str) -> bool:
    """Whether a pattern found in a sentence is believed: nothing strange beside it, and its number is one."""
    beside = f"{text[: match.begin]} {_STANDS_FOR} {text[match.end :]}"
    return number_counts(domain, match.intent, text) and not _strangers(domain, beside, match.intent)


def for_meaning(domain: Domain, intent: str, text: str) -> bool:
    """Whether an intent is believed of a sentence that only comes near to its phrases."""
    return number_counts(domain, intent, text) and not _strangers(domain, text, intent)


def _strangers(domain: Domain, looked_at: str, intent: str) -> list[str]:
    """What is done without a value of the caller's needs more evidence than what asks for one, or than words."""
    if intent == domain.human:  # people are asked for because of anything; for whom is what counts
        looked_at = _BECAUSE.split(looked_at)[0]
    if not domain.acts(intent) and not domain.is_question(intent):
        return domain.vocabulary.strangers(looked_at)
    at_once = domain.acts(intent) and not domain.intents[intent].needs
    return domain.vocabulary.strangers(looked_at, intent, strict=at_once)


def number_counts(domain: Domain, intent: str, text: str) -> bool:
    """A number that nobody asked for is a value if a word of the intent stands with it, or nothing but plain words.

    "My pin is 1234", "it is 12 30 already" and "what is 12 plus 34" are none. Sentences without numbers always pass.
    """
    runs = slots.numbers(text)
    if any(domain.slots[name].kind == "number" for name in domain.mentions[intent]):
        return True
    if not any(domain.slots[name].kind == "digits" for name in domain.mentions[intent]):
        return not any(run.counts and len(run.digits) >= _IDENTIFIES for run in runs)
    if not runs:
        return True
    if _is_anothers(domain, intent, text):
        return False
    beside = without_introduction(slots.without_numbers(text)).split()
    if any(domain.vocabulary.belongs(word, intent) for word in beside):
        return True
    said_with_it = all(word in TOPICLESS or domain.vocabulary.has(word, intent) for word in beside)
    return said_with_it and all(run.counts for run in runs)


def _is_anothers(domain: Domain, intent: str, text: str) -> bool:
    """Whether its number is too long or too short for the intent, and just right for another one."""
    whole = {n for n, slot in domain.slots.items() if slot.kind == "digits" and slot.length and slots.find(slot, text)}
    return bool(whole) and not whole & domain.mentions[intent]
