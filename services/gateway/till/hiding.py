"""Digits in what a caller says, out of sight. Pure."""

from __future__ import annotations

import re

from parley.pii.numbers import digits_of, row_of_digits
from services.gateway.till.purse import Kind

PART = "[part of a number]"
_TWICE = re.compile(r"(\[[a-z -]+\])(?:[\s,.\-]*\1)+")


def pieces_of(text: str, kind: Kind) -> list[str]:
    """All digits of a text: of a code those that are said in a row, of a card each word and group, as "the other one,
    4242 ..." is no number that begins with 1.
    """
    if kind == "code":
        return [digits for _, _, digits in digits_of(text, single=True)]
    return row_of_digits(text)


def hidden(text: str, stand_in: str) -> str:
    """The text with `stand_in` where it has digits."""
    runs = digits_of(text, single=True)
    parts, at = [], 0
    for start, end, _ in runs:
        parts += [text[at:start], stand_in]
        at = end
    return _TWICE.sub(r"\1", "".join([*parts, text[at:]]))
