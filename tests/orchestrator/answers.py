"""Answers of language models as they may arrive: whole, in parts, slowly, with pauses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from services.orchestrator.phrases.speakable import Phraser


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is what the model writes, `spoken` what a caller must hear of it."""

    about: str
    text: str
    spoken: str


ANSWERS = [Answer(**each) for each in yaml.load(Path(__file__).with_name("answers.yaml").read_text(), yaml.CSafeLoader)]


def tokens(text: str) -> list[str]:
    """As models make them: a space comes with the word after it, marks come alone."""
    return re.findall(r" ?\w+|[^\w]", text)


def parts(text: str, cuts: Iterable[int]) -> list[str]:
    """The text, cut at these places."""
    places = [0, *sorted(cuts), len(text)]
    return [text[begin:end] for begin, end in zip(places, places[1:], strict=False)]


def phrases(chunks: Iterable[str], token_ms: int = 0, silent: Callable[[], bool] = lambda: False) -> list[str]:
    """What goes to the voice. A chunk takes `token_ms`; after one that could end a phrase the model may fall silent."""
    phraser, said, at_ms = Phraser(), [], 1000
    for chunk in chunks:
        said += phraser.push(chunk, at_ms)
        at_ms += token_ms
        if phraser.grace_s and silent():
            said += phraser.pause()
    return [*said, phraser.end()]


def said(chunks: Iterable[str], token_ms: int = 0, silent: Callable[[], bool] = lambda: False) -> str:
    return "".join(phrases(chunks, token_ms, silent)).rstrip()


def content(text: str) -> str:
    """What must not be lost: letters with their marks, digits, signs of currencies."""
    kinds = ((char, unicodedata.category(char)) for char in text if char not in "\ufe0e\ufe0f\u20e3")
    return "".join(char for char, kind in kinds if kind[0] in "LNM" or kind == "Sc")


def uncounted(text: str) -> str:
    """Without the numbers that count the items of a list, which are said when the next item is late."""
    return re.sub(r"(?<!\S)\d{1,9}[.)](?=\s)", "", text)
