"""The words that tell a feeling, of one language: its phrases, compiled, and its examples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from parley.agents.wording import checked_phrases, compiled
from parley.text.spoken import normalise

EMOTIONS = ("neutral", "happy", "frustrated", "sad", "angry", "confused")
_FILES = {"en": "english.yaml"}
_PLAIN = {"en": files("services.llm.local.understanding").joinpath("off_topic.txt")}
"""Small talk and other trades' questions: nobody in them feels anything."""


@dataclass(frozen=True, slots=True)
class Wording:
    """`phrases`: by emotion. `examples`: normalised sentences with their emotions."""

    phrases: dict[str, tuple[re.Pattern[str], ...]]
    examples: tuple[tuple[str, str], ...]

    def told(self, text: str) -> tuple[bool, ...]:
        """Of each of EMOTIONS whether a phrase of it stands in a normalised sentence."""
        return tuple(any(phrase.search(text) for phrase in self.phrases[emotion]) for emotion in EMOTIONS)


def languages() -> tuple[str, ...]:
    """Those whose callers' feelings are known."""
    return tuple(_FILES)


@cache
def wording(language: str) -> Wording:
    """Of a language of `languages`. Raises ValueError naming the phrase that cannot be read."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(files(__package__).joinpath(_FILES[language]).read_text("utf-8"))
    examples = [(normalise(text), emotion) for emotion in EMOTIONS for text in read[emotion]["examples"]]
    plain = [(normalise(text), "neutral") for text in _PLAIN[language].read_text("utf-8").split("\n") if text]
    phrases = {emotion: compiled(checked_phrases(tuple(read[emotion]["phrases"]))) for emotion in EMOTIONS}
    return Wording(phrases, (*examples, *plain))
