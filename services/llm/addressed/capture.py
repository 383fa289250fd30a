"""A tool call in the text of a round, while it is being written. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.llm.addressed.marks import Kind, Mark

MAX_BLOCK = 80 * 1024
"""Characters of a block that are kept; one that is longer does not read as a call."""
_ENDS = ("eot_id", "eom_id", "im_end", "endoftext", "end_of_sentence", "end_of_turn", "s")


@dataclass(frozen=True, slots=True)
class Block:
    """A tool call as the model wrote it, markers included. `name`: where that stood before it.

    `sure`: it was marked as one. Else it is words when it does not read as a call. `fence`: what stood before it.
    """

    text: str
    name: str = ""
    sure: bool = True
    fence: str = ""


class Balance:
    """Finds where the first bracket of a text is closed again, piece by piece; quoted brackets do not count.

    What begins with a word has its brackets behind it: `opens` says which.
    """

    def __init__(self, opens: str = "{", quotes: str = '"') -> None:
        self._opens, self._quotes = opens, quotes
        self._begun = False
        self._depth = 0
        self._quote = ""
        self._escaped = False

    def feed(self, text: str) -> int:
        """Characters up to and with the closing bracket; -1 while it is open."""
        for place, char in enumerate(text):
            if not self._begun and not char.isspace():
                self._begun = True
                self._opens = "{[(" if char in "{[" else self._opens
            if self._escaped:
                self._escaped = False
            elif self._quote:
                self._escaped = char == "\\"
                self._quote = "" if char == self._quote else self._quote
            elif char in self._quotes and self._depth:
                self._quote = char
            elif char in self._opens:
                self._depth += 1
            elif self._depth and char in "}])" and (self._opens != "{" or char == "}"):
                self._depth -= 1
                if not self._depth:
                    return place + 1
        return -1


class Capture:
    """`opening`: what was taken of it already. It ends where `balance` says, or with a mark (`ended_by`).

    `closes`: the name of the tag that ends it; `token`: it is made of tokens, and ends with the turn.
    """

    def __init__(
        self,
        opening: str = "",
        *,
        name: str = "",
        closes: str = "",
        token: bool = False,
        balance: Balance | None = None,
        sure: bool = True,
        fence: str = "",
    ) -> None:
        self.balance, self.fence = balance, fence
        self._name, self._closes, self._token, self._sure = name, closes, token, sure
        self._parts, self._size = [opening], len(opening)

    def add(self, text: str) -> None:
        if self._size <= MAX_BLOCK:
            self._parts.append(text)
            self._size += len(text)

    def ended_by(self, mark: Mark, in_thought: bool) -> bool:
        if in_thought and mark.kind is Kind.THOUGHT and mark.closing:
            return True
        if mark.kind in (Kind.CHANNEL, Kind.ROLE):
            return mark.name != "constrain"
        if mark.kind is Kind.PLAIN:
            return self._token and mark.name in _ENDS
        return mark.kind is Kind.TOOL and mark.closing and mark.name == self._closes

    def block(self) -> Block:
        return Block("".join(self._parts), self._name, self._sure, self.fence)
