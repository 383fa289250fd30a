"""How a turn may end, from surely over to surely not, and what no language is needed for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from services.stt.contract import Expect

PHONE_DIGITS = (10, 11)
"""Digits of a telephone number, without and with the country's 1."""
_DIGITS_AT_END = re.compile(r"(?:\d[\s.,，、。．।-]*)+$")


class Ending(IntEnum):
    """What the words so far are like."""

    DONE = 0  # yes, goodbye, the whole number
    ASKED = 1  # a complete question or request
    SAID = 2  # a statement that may stand as it is
    MORE = 3  # complete, but such as people go on from: "I have a question"
    OPEN = 4  # cannot be all: "my number is", "and", "um"


def number(digits: int, lengths: Sequence[int]) -> Ending:
    """`digits` of a number that is being read out, of one of `lengths` (empty: not known)."""
    if lengths:
        if digits in lengths:
            return Ending.DONE if digits == max(lengths) else Ending.SAID
        return Ending.OPEN if digits < max(lengths) else Ending.SAID
    if digits in PHONE_DIGITS:
        return Ending.ASKED
    return Ending.OPEN if digits < PHONE_DIGITS[0] else Ending.SAID


def unknown_language(text: str, expect: Expect, lengths: Sequence[int]) -> Ending:
    """Numerals are the same in all languages."""
    found = _DIGITS_AT_END.search(text)
    if found and expect is Expect.DIGITS:
        return number(sum(c.isdigit() for c in found[0]), lengths)
    if expect in (Expect.DIGITS, Expect.SPELLING):
        return Ending.OPEN
    return Ending.SAID
