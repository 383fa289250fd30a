"""Digits in what a caller says, out of sight. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from parley.pii.numbers import digits_of

PART = "[part of a number]"
_TWICE = re.compile(r"(\[[a-z -]+\])(?:[\s,.\-]*\1)+")


def pieces_of(text: str) -> list[str]:
    """All digits of a text, run by run."""
    return [digits for _, _, digits in digits_of(text, single=True)]


def hidden(text: str, shown: Callable[[list[str]], str]) -> str:
    """The text with what `shown` says of its pieces where they stood; as it was, where it has no digit."""
    runs = digits_of(text, single=True)
    if not runs:
        return text
    stand_in = shown([digits for _, _, digits in runs])
    parts, at = [], 0
    for start, end, _ in runs:
        parts += [text[at:start], stand_in]
        at = end
    return _TWICE.sub(r"\1", "".join([*parts, text[at:]]))
