"""The words of the turn under way: finals, and the guess after them; and what they tell of the caller's pauses."""

from __future__ import annotations

from parley.text.scripts import joined
from services.stt.contract import Final, Interim, Pauses
from services.stt.endpointing.pauses import cut_in, learned

LONGEST_SENTENCE = 1000
"""Characters kept of a turn that may not have been over."""
_REST_MS = 120
"""Who begins to listen where another's last word ended may hear the rest of it: two recognisers place the same word
this far apart, and nobody says one in so short a time."""


class Words:
    """`end_ms`: where the last word ended, as far as known; a final corrects what its interims said.

    What was told as final, of this turn or of one before, is not told again: `told`.
    """

    def __init__(self, pauses: Pauses, offset_ms: int, said: Final | None = None) -> None:
        self.pauses = pauses
        self.finals: list[Final] = [said] if said is not None else []
        self.interim: Interim | None = None
        self.end_ms = self._final_end = offset_ms
        self._last: Final | None = None  # of the turn before
        self._last_text = ""
        self._told_ms = 0
        self.heard_from(offset_ms)

    def __bool__(self) -> bool:
        return bool(self.finals) or self.interim is not None

    @property
    def size(self) -> int:
        """Characters that are final."""
        return sum(len(final.text) for final in self.finals)

    @property
    def text(self) -> str:
        return joined(*(final.text for final in self.finals), self.interim.text if self.interim else "")

    @property
    def sentence(self) -> str:
        """The text, after that of a turn which was ended too early: the two are read together."""
        first = self.finals[0] if self.finals else self.interim
        return joined(self._last_text, self.text) if first is not None and cut_in(self._last, first) else self.text

    def heard_from(self, offset_ms: int) -> None:
        """A recogniser begins to listen here; another, or an earlier stream, has told what was before."""
        if offset_ms:
            self._told_ms = max(self._told_ms, offset_ms + _REST_MS)

    def told(self, event: Interim | Final) -> bool:
        """All of these words were final before."""
        return event.start_ms < self._told_ms and 0 < event.end_ms <= self._told_ms

    def guess(self, event: Interim) -> None:
        self.interim = event
        self.end_ms = max(self._final_end, event.end_ms)

    def settle(self, event: Final) -> None:
        self.end_ms = self._final_end = max(self._final_end, event.end_ms)
        self._told_ms = max(self._told_ms, event.end_ms)
        before = self.finals[-1] if self.finals else self._last if cut_in(self._last, event) else None
        self.pauses = learned(self.pauses, event, before)
        self.finals.append(event)
        self.interim = None

    def take_back(self) -> None:
        """There is nothing in the guess."""
        self.interim = None

    def close(self, *, sure: bool) -> None:
        """The turn has ended. `sure`: the caller said so; otherwise words that follow at once tell of a pause."""
        self._last_text = self.sentence[-LONGEST_SENTENCE:]
        self._last = None if sure or not self.finals else self.finals[-1]
        self.finals = []
        self.interim = None
