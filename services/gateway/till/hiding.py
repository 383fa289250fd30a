"""Digits in what a caller says, out of sight. Pure."""

from __future__ import annotations

import re

from parley.pii.checks import is_card
from parley.pii.number_words import OFTEN, SMALL
from parley.pii.parts import digits_of, rows_of_digits
from services.gateway.till.purse import Kind

_LENGTHS = (15, 16)
PART = "[part of a number]"
_TWICE = re.compile(r"(\[[a-z -]+\])(?:[\s,.\-]*\1)+")


def pieces_of(text: str, kind: Kind) -> list[str]:
    """All digits of a text, row by row. Of a card in two pieces what has more than its number, as in "the other one,
    4242 ..." and where the date of expiry follows in one breath.
    """
    if lone := _lone(text):
        return [lone]
    if kind == "code":
        return [digits for _, _, digits in digits_of(text, single=True)]
    return [piece for row in rows_of_digits(text) for piece in _parted(row)]


def _lone(text: str) -> str:
    """The digit, where a number word is all that was said: "one" with nothing behind it is no "one moment"."""
    word = text.strip(" .,!?").lower()
    return str(SMALL[word]) if word in OFTEN and SMALL.get(word, 10) < 10 else ""


def _parted(row: list[str]) -> list[str]:
    """A row of groups where a whole number begins or ends in it, else in one."""
    for begin in range(min(2, len(row))):
        digits = ""
        for n, group in enumerate(row[begin:], begin + 1):
            digits += group
            if len(digits) in _LENGTHS and is_card(digits):
                return [each for each in ("".join(row[:begin]), digits, "".join(row[n:])) if each]
    return ["".join(row)]


def hidden(text: str, stand_in: str) -> str:
    """The text with `stand_in` where it has digits."""
    if _lone(text):
        return stand_in
    runs = digits_of(text, single=True)
    parts, at = [], 0
    for start, end, _ in runs:
        parts += [text[at:start], stand_in]
        at = end
    return _TWICE.sub(r"\1", "".join([*parts, text[at:]]))
