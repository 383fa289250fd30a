"""What a model says, phrase by phrase, before it is spoken: what must not be said is cut, a number that it has from
nowhere is flagged or its sentence replaced. Pure; some ten microseconds a phrase, and only for agents that ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from parley.agents.guardrails import Guardrails
from parley.text.words import has_words
from services.orchestrator.guards import numbers

MAX_SOURCES = 400
_CARD_LENGTHS = range(13, 20)
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f\u0964\u061f][\"'\u201d\u2019)\]]*\s*$")
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")  # no voice says them
_BEHIND = 100  # characters of earlier phrases that are looked at again
_GAP = re.compile(r"\s+(?=[\s,.;:!?]|$)")


@dataclass(frozen=True, slots=True)
class Finding:
    """A guardrail has acted: `rule` and `name` as in the agent's file; `action`: `flagged`, `replaced`, `cut`,
    `refused`, `escalated`."""

    rule: str
    action: str
    name: str = ""


class AnswerGuard:
    """One for a round. `sources` gives the texts that the model's numbers may come from; they are asked for when there
    is a number to look for. `language`: of the call. `found`: what was found in the round, each once."""

    def __init__(self, rails: Guardrails, sources: Callable[[], Sequence[str]], language: str = "") -> None:
        self._rails = rails
        self._language = language
        self._sources = sources
        self._digits = ""  # that the words so far end with
        self._behind = ""  # the end of the words so far
        self._replacing = False  # until the end of this sentence
        self._replaced = False  # the set sentence was said in this round
        self.found: list[Finding] = []

    def take(self, phrase: str) -> str:
        """What is to be said of the next phrase; may be empty."""
        phrase = _UNSEEN.sub("", phrase)
        behind = self._behind + (" " if self._behind and not phrase[:1].isspace() else "")
        text = self._without_cards(self._cut(phrase, behind))
        self._behind = (behind + phrase)[-_BEHIND:].rstrip()
        return self._sourced(text, behind) if self._rails.numbers else text

    def _cut(self, phrase: str, behind: str) -> str:
        """Also what has begun in the words `behind`: that is said, the rest is not."""
        text, end = behind + phrase, len(behind)
        for pattern in self._rails.never_say.compiled:
            for match in reversed(list(pattern.finditer(text))):
                if match.end() > end:
                    text = text[: max(end, match.start())] + text[match.end() :]
        return self._tidy(text[end:], phrase, "words") if text[end:] != phrase else phrase

    def _without_cards(self, phrase: str) -> str:
        """A card's number may come in several phrases: what was said of it is said, the rest is not."""
        if not self._rails.never_say.cards or not (self._digits or numbers.has_any(phrase, self._language)):
            return phrase
        text, runs = phrase, list(numbers.digit_runs(phrase, self._language))
        for n, (begin, end, digits) in reversed(list(enumerate(runs))):
            led = self._digits if n == 0 and numbers.goes_on(phrase[:begin]) else ""
            if is_card(led + digits) or (led and is_card(digits)):
                text = text[:begin] + text[end:]
        self._digits = self._tail(phrase, runs)
        return self._tidy(text, phrase, "cards") if text != phrase else phrase

    def _tail(self, phrase: str, runs: list[tuple[int, int, str]]) -> str:
        """The digits that the words end with, behind this phrase."""
        if not runs:
            return self._digits if numbers.goes_on(phrase) else ""
        begin, end, digits = runs[-1]
        if not numbers.goes_on(phrase[end:]):
            return ""
        led = self._digits if len(runs) == 1 and numbers.goes_on(phrase[:begin]) else ""
        return (led + digits)[-_CARD_LENGTHS[-1] :]

    def _sourced(self, phrase: str, behind: str) -> str:
        ends = _SENTENCE_END.search(phrase) is not None
        if self._replacing:
            self._replacing = not ends
            return ""
        if not self._invents(phrase, behind):
            return phrase
        if self._rails.unsourced == "flag":
            self._note(Finding("numbers", "flagged"))
            return phrase
        self._note(Finding("numbers", "replaced"))
        self._replacing = not ends
        said, self._replaced = self._replaced, True
        lead = " " if phrase[:1].isspace() else ""
        return "" if said else f"{lead}{self._rails.instead} "

    def _invents(self, phrase: str, behind: str) -> bool:
        """Whether it has a number from nowhere, or ends one that has begun in the words `behind`."""
        begun = numbers.tail_of(behind, self._language)
        if not numbers.has_any(begun + phrase, self._language):
            return False
        found = numbers.unsourced(begun + phrase, self._sources()[:MAX_SOURCES], self._language)
        return any(number.end > len(begun) for number in found)

    def _tidy(self, text: str, phrase: str, name: str) -> str:
        self._note(Finding("never_say", "cut", name))
        if not has_words(text):
            return ""
        lead, tail = (" " if end.isspace() else "" for end in (phrase[:1], phrase[-1:]))
        return lead + _GAP.sub("", text).strip() + tail

    def _note(self, finding: Finding) -> None:
        if finding not in self.found:
            self.found.append(finding)


def is_card(digits: str) -> bool:
    """Whether the number of a payment card is in these digits: by length, first digits, and Luhn's sum."""
    if len(digits) <= _CARD_LENGTHS[-1]:
        return _is_card(digits)
    windows = (digits[i : i + size] for size in (15, 16) for i in range(len(digits) - size + 1))
    return any(map(_is_card, windows))


def _is_card(digits: str) -> bool:
    if len(digits) not in _CARD_LENGTHS or not (digits[0] in "3456" or 2221 <= int(digits[:4]) <= 2720):
        return False
    total = 0
    for n, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + n % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
