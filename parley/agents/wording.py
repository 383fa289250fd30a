"""`agent.yaml`: words by which something is known, in what callers or models say. Checked, and compiled once."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import Annotated

from pydantic import Field, field_validator

from parley.agents.strict import Strict
from parley.errors import BadInput
from parley.text.phrases import parse
from parley.text.spoken import normalise

MAX_PHRASES = 100
MAX_CHARS = 200

Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]


class Wording(Strict):
    """`phrases` as in `domain`, `[a|b|]`, without slots; `patterns`: regular expressions over small letters without
    marks; either counts wherever it stands in a sentence. `examples`: whole sentences, for what is meant alike.
    """

    phrases: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)
    patterns: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)
    examples: tuple[Text, ...] = Field((), max_length=MAX_PHRASES)

    @field_validator("phrases")
    @classmethod
    def _phrases_are_right(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        return checked_phrases(phrases)

    @field_validator("patterns")
    @classmethod
    def _patterns_are_right(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return checked_patterns(patterns)

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], ...]:
        return (*compiled(self.phrases), *map(re.compile, self.patterns))

    @cached_property
    def _unaccented(self) -> tuple[re.Pattern[str], ...]:
        """The phrases that have accents, without them: many leave them out when they type."""
        return compiled(tuple(bare for phrase in self.phrases if (bare := unaccented(phrase)) != phrase))

    def found(self, text: str) -> str:
        """The longest piece of a normalised sentence that is one of its phrases or patterns; "" if none is."""
        return max(longest(self._compiled, text), longest(self._unaccented, unaccented(text)), key=len)

    def spellings(self, most: int) -> tuple[str, ...]:
        """Sentences that say it: its examples, and each phrase in at most so many ways."""
        made = (text for phrase in self.phrases for text in parse(phrase).expansions(most))
        return tuple(dict.fromkeys((*map(normalise, self.examples), *map(normalise, made))))


def unaccented(text: str) -> str:
    """Without acute, grave and circumflex; what makes another letter stays: ñ, ü, ç."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u0302]", "", unicodedata.normalize("NFD", text)))


def checked_phrases(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError naming the phrase, and what is wrong with it."""
    for phrase in phrases:
        try:
            parsed = parse(phrase)
        except BadInput as e:
            raise ValueError(str(e)) from e
        if parsed.slots:
            raise ValueError(f"phrase {phrase!r}: {{{parsed.slots[0]}}}: there are no slots here; leave it out")
    return phrases


def checked_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError naming the pattern, and what is wrong with it."""
    for pattern in patterns:
        try:
            made = re.compile(pattern)
        except re.error as e:
            raise ValueError(f"pattern {pattern!r}: no regular expression: {e}") from e
        if made.search(""):
            raise ValueError(f"pattern {pattern!r}: it is found in any text, also in none")
    return patterns


def compiled(phrases: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(parse(phrase).regex(lambda _: r"\S+") for phrase in phrases)


def longest(patterns: tuple[re.Pattern[str], ...], text: str) -> str:
    found = (match.group() for pattern in patterns if (match := pattern.search(text)))
    return max(found, key=len, default="")
