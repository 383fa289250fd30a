"""The words of a round on their way out. Pure."""

from __future__ import annotations

from enum import Enum

from services.llm.addressed.capture import MAX_BLOCK, Block

MAX_SUSPECT = 4 * 1024
"""Characters of words that are held since they begin like a thought; then they are words."""


class Sign(Enum):
    LONE = "lone"
    """A thought has ended that had no beginning: the words before were not for the caller."""


Item = str | Block | Sign


class Said:
    """`held`: words are kept back, since they may be a thought whose end is still to come."""

    def __init__(self, holds: bool) -> None:
        self.lone = False
        """A thought without a beginning came."""
        self.gap = False
        """Something was taken out behind the last word."""
        self._out: list[Item] = []
        self._held: list[str] | None = [] if holds else None
        self._room = MAX_BLOCK
        self._suspected = False
        self._last = ""

    @property
    def last(self) -> str:
        """The last character of the words; "" before them."""
        return self._last

    @property
    def held(self) -> bool:
        return self._held is not None

    def suspect(self) -> None:
        """Hold the words from here on: they begin like a thought."""
        if self._held is None:
            self._held, self._room, self._suspected = [], MAX_SUSPECT, True

    def given(self) -> list[Item]:
        out, self._out = self._out, []
        return out

    def passed(self, text: str) -> None:
        """Words that were said beside it."""
        self._last = text[-1:] or self._last

    def block(self, block: Block) -> None:
        self.release()
        self._out.append(block)

    def words(self, text: str) -> None:
        if self.gap and not self._last:
            text = text.lstrip()
        if not text:
            return
        if self.gap and self._last.isalnum() and text[0].isalnum():
            text = f" {text}"  # two words that only a marker held apart
        self.gap = False
        self._last = text[-1]
        if self._held is None:
            self._out.append(text)
            return
        self._held.append(text)
        self._room -= len(text)
        if self._room < 0:
            if self._suspected:
                self.release()
            else:
                self._held = [""]  # so long a thought is forgotten

    def release(self) -> None:
        """What was held is words after all."""
        if self._held is not None:
            self._out += [text for text in self._held if text]
            self._held = None

    def drop(self) -> None:
        """The words so far were a thought."""
        if self._held is not None:
            self.lone = self.lone or any(text.strip() for text in self._held)
            self._held = None
        elif self._last:
            self.lone = True
            self._out.append(Sign.LONE)
        self._last = ""
