"""Whether words were said, and whether a tool or a card is the expected one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from parley.agents.conversations.conversation import ANY, ExpectedCard, ExpectedTool, is_pattern
from parley.text.words import words
from testbed.eval.course import Ran, Shown


def is_said(wanted: str, text: str, overlap: float = 1.0) -> bool:
    """Whether `wanted` is in `text`: a pattern is searched, words are there side by side, in any case and punctuation.

    `overlap` below 1: so large a share of the words, in their order, is enough; for what was heard from sound.
    """
    if is_pattern(wanted):
        return re.search(wanted[1:-1], text, re.IGNORECASE) is not None
    return _has_words(words(wanted), words(text), overlap)


def _has_words(wanted: Sequence[str], said: Sequence[str], overlap: float) -> bool:
    if not wanted:
        return False
    windows = [said[i : i + len(wanted)] for i in range(max(1, len(said) - len(wanted) + 1))]
    if overlap >= 1.0:
        return any(tuple(window) == tuple(wanted) for window in windows)
    return any(_common(wanted, window) >= overlap * len(wanted) for window in windows)


def _common(wanted: Sequence[str], window: Sequence[str]) -> int:
    return sum(block.size for block in SequenceMatcher(None, wanted, window, autojunk=False).get_matching_blocks())


def is_tool(wanted: ExpectedTool, ran: Ran) -> bool:
    return (
        ran.name == wanted.tool
        and holds(wanted.with_, ran.arguments)
        and (not wanted.status or ran.status == wanted.status)
    )


def is_card(wanted: ExpectedCard, shown: Shown) -> bool:
    return shown.name == wanted.card and (not wanted.with_ or holds(wanted.with_, shown.value))


def holds(wanted: Mapping[str, Any], found: Any) -> bool:
    """Whether `found` is a mapping that has all that is wanted, and perhaps more."""
    if not isinstance(found, Mapping):
        return False
    return all(is_value(value, found.get(name)) for name, value in wanted.items())


def is_value(wanted: Any, found: Any) -> bool:
    """`any`: there is one. A pattern is searched in text. Text is compared without case; a number and the text of it
    are the same, as models write the one for the other."""
    if wanted is None or found is None:
        return wanted is None and found is None
    if isinstance(wanted, Mapping):
        return holds(wanted, found)
    if isinstance(wanted, list):
        same_length = isinstance(found, list) and len(wanted) == len(found)
        return same_length and all(is_value(w, f) for w, f in zip(wanted, found, strict=True))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted == ANY or wanted is found
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return wanted == found
    if wanted == ANY:
        return True
    text = str(found)
    if isinstance(wanted, str) and is_pattern(wanted):
        return re.search(wanted[1:-1], text, re.IGNORECASE) is not None
    return _plain(str(wanted)) == _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
