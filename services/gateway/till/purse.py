"""What a caller has said of one card: pieces, as they came, and the number they make. Pure."""

from __future__ import annotations

import secrets
from typing import Literal

from parley.pii.checks import is_card

Kind = Literal["card", "code"]
MAX_PIECES = 64
_LETTERS = "bcdfghjkmnpqrstvwxz"  # none of them a number, nor like another
_CODE_DIGITS = (3, 4)
_SHORTEST, _LONGEST = 14, 19
"""Digits of a card's number. Shorter ones are of the past, and too often a part of another by chance."""
_ATTEMPT = 12
"""So many digits were meant to be all of it."""


class Purse:
    """The pieces of one question. `token` stands for the number; it is of letters, so that nobody takes it for one."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.token = f"{kind}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
        self._pieces: list[str] = []
        self._keyed = ""

    @property
    def is_begun(self) -> bool:
        """Something was given, and it is no whole number: who is told so says it again, whatever they were asked."""
        return bool(self._pieces or self._keyed) and not self.number()

    @property
    def is_half(self) -> bool:
        """A part was given, and more is to come. What has all its digits, and is no number, had a wrong one."""
        size = sum(map(len, self._pieces)) + len(self._keyed)
        return 0 < size < _ATTEMPT and not self.number()

    def add(self, pieces: list[str]) -> None:
        self._pieces = [*self._pieces, *pieces][-MAX_PIECES:]

    def key(self, digit: str) -> None:
        """Keys are one piece; `*` begins it anew."""
        self._keyed = "" if digit == "*" else (self._keyed + digit)[-_LONGEST:]

    def keyed(self) -> None:
        """No more keys for now."""
        if self._keyed:
            self.add([self._keyed])
            self._keyed = ""

    def number(self, more: list[str] | None = None) -> str:
        """The whole number; "" while there is none. Of several the last: who says it again corrects it."""
        return number_of([*self._pieces, *(more or []), *([self._keyed] if self._keyed else [])], self.kind)


def number_of(pieces: list[str], kind: Kind) -> str:
    if kind == "code":
        return _code(pieces)
    for end in range(len(pieces), 0, -1):
        digits = ""
        for piece in reversed(pieces[:end]):
            digits = piece + digits
            if len(digits) > _LONGEST:
                break
            if len(digits) >= _SHORTEST and is_card(digits):
                return digits
    return ""


def _code(pieces: list[str]) -> str:
    """The last three or four digits that were said together, or with a stop between them."""
    for end in range(len(pieces), 0, -1):
        digits, found = "", ""
        for piece in reversed(pieces[:end]):
            digits = piece + digits
            if len(digits) > max(_CODE_DIGITS):
                break
            found = digits if len(digits) in _CODE_DIGITS else found
        if found:
            return found
    return ""
