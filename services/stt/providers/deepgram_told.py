"""What one connection has told as final: so that nothing is told twice, and each final ends after the one before.

In good order each message's words begin where the last final ended, and nothing has to be compared.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import NamedTuple

from services.stt.contract import Final, Interim, Word
from services.stt.providers.deepgram_fields import Clock, Spoken

_KEPT = 32
_NEAR_MS = 50
_AGAIN_MS = 1_500
"""Who repeats himself does so within so much audio. The same words at the same time, later: that clock begins anew with
each utterance, as those of servers do that imitate Deepgram."""
_LATER_S, _DAY_S = 0.5, 86_400.0
_NEXT_MS = 150
"""Between the ends of two finals: those that end closer together are taken for the same words, heard by two."""
_GUESS_MS = 30_000
"""The true final of what was told as a guess may be so late."""
_LETTER_MS, _LONGEST_GUESS_MS = 60, 10_000


class _Final(NamedTuple):
    """What was told. `at_ms`: when, in audio sent. Words without times are each somewhere between the edges."""

    text: str
    start_ms: int
    end_ms: int
    words: tuple[Word, ...]
    at_ms: int

    def has(self, word: Word) -> bool:
        """The same text over the same time."""
        text = plain(word.text)
        for mark in self.words or self._somewhere:
            both = min(word.end_ms, mark.end_ms) - max(word.start_ms, mark.start_ms)
            shorter = min(word.end_ms - word.start_ms, mark.end_ms - mark.start_ms)
            same = 2 * both > shorter or (word.start_ms, word.end_ms) == (mark.start_ms, mark.end_ms)
            if same and plain(mark.text) == text:
                return True
        return False

    @property
    def _somewhere(self) -> list[Word]:
        return [Word(text, self.start_ms, self.end_ms) for text in (self.text, *self.text.split())]


class Told:
    """`final` and `interim` give what is new in a message, with times; None when nothing is."""

    def __init__(self, offset_ms: int, clock: Clock) -> None:
        self.end_ms = offset_ms
        self._clock = clock
        self._finals: deque[_Final] = deque(maxlen=_KEPT)
        self._last = ""  # text of the last final, if nothing was heard since
        self._last_at_ms = offset_ms
        self._began_s: float | None = None

    def between(self) -> None:
        """Something else was heard: the same words without times are new ones."""
        self._last = ""

    def begins(self, seconds: float | None) -> None:
        """What a final message says of its own beginning, which may be more than there was sound. One that says that it
        begins later than the one before repeats nothing."""
        if seconds is None or not 0 <= seconds < _DAY_S:
            return
        if self._began_s is not None and seconds >= self._began_s + _LATER_S:
            self.between()
        self._began_s = seconds

    def interim(self, spoken: Spoken) -> Interim | None:
        new = self._new(spoken)
        if new is None:
            return None
        start, end = self._placed(new)
        self.between()
        return Interim(new.text, start, end, new.confidence)

    def final(self, spoken: Spoken, *, guess: bool = False) -> Final | None:
        """`guess`: its true final may still come."""
        new = self._new(spoken)
        if new is None:
            return None
        start, end = self._placed(new)
        at = max(self._clock.now_ms, end) + _GUESS_MS * guess
        words = new.words
        began, ended = _span(new) if new.start_ms is not None else (self.end_ms, end)
        self._finals.append(_Final(new.text, began, ended, words, at))
        self._last, self._last_at_ms, self.end_ms = spoken.text, at, end
        return Final(new.text, start, end, new.confidence, _within(words, start, end))

    def _new(self, spoken: Spoken) -> Spoken | None:
        """Without the words that were told."""
        if not spoken.text:
            return None
        if spoken.start_ms is not None and spoken.start_ms >= self.end_ms - _NEAR_MS:
            return spoken
        now = self._clock.now_ms
        if spoken.start_ms is None:
            again = plain(self._last) == plain(spoken.text) and now - self._last_at_ms <= _AGAIN_MS
            return None if again else spoken
        told = [each for each in self._finals if now - each.at_ms <= _AGAIN_MS]
        if not spoken.words:
            return None if any(each.has(Word(spoken.text, *_span(spoken))) for each in told) else spoken
        words = tuple(word for word in spoken.words if not any(each.has(word) for each in told))
        if len(words) == len(spoken.words):
            return spoken
        if not words:
            return None
        text = " ".join(word.text for word in words)
        return Spoken(text, words[0].start_ms, words[-1].end_ms, spoken.confidence, words)

    def _placed(self, spoken: Spoken) -> tuple[int, int]:
        """Times that never go back. Words without any were said just now."""
        end = spoken.end_ms
        if end is None or end <= self.end_ms:
            end = max(self._clock.now_ms, self.end_ms + _NEXT_MS)
        start = spoken.start_ms
        if start is None or start > end or spoken.end_ms != end:
            start = end - min(len(spoken.text) * _LETTER_MS, _LONGEST_GUESS_MS)
        return max(start, self.end_ms), end


def plain(text: str) -> str:
    """The same words, however they are written."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def _span(spoken: Spoken) -> tuple[int, int]:
    start = spoken.start_ms or 0
    return start, max(start, spoken.end_ms or 0)


def _within(words: tuple[Word, ...], start: int, end: int) -> tuple[Word, ...]:
    """Words of a final that had to be placed elsewhere have no times."""
    if not words or (words[0].start_ms >= start and words[-1].end_ms <= end):
        return words
    if words[-1].end_ms > end or words[-1].end_ms <= start:
        return ()
    return tuple(replace(word, start_ms=max(word.start_ms, start), end_ms=max(word.end_ms, start)) for word in words)
