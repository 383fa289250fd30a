"""When the words of a text sound, from whatever times a voice gives. A word is a spoken unit (`parley.text.words`)."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterable, Sequence

from parley.text.scripts import weight
from parley.text.words import has_words, least_ms, units
from services.tts.contract import WordTime

# How far a vendor's characters may run ahead of ours before they count as not found.
_LOOK_AHEAD = 12


def spread(text: str, begin: int, end: int, start_ms: float, end_ms: float) -> list[WordTime]:
    """The words of text[begin:end] over a stretch of audio, by their length, for want of anything better."""
    spans = list(units(text, begin, end)) if end - begin > 1 or has_words(text[begin:end]) else []
    lengths = [weight(text[first:last]) + 1 for first, last in spans]
    total = sum(lengths)
    times, at = [], start_ms
    for (first, last), length in zip(spans, lengths, strict=True):
        until = at + (end_ms - start_ms) * length / total
        times.append(WordTime(first, last, int(at), int(until)))
        at = until
    return times


class Aligner:
    """Turns times of characters into times of words.

    `given` is told the text as it is sent; `take` the characters of each piece of audio with their times since the
    stream's first byte. White space is not compared: vendors add and drop it. Characters that are not in the text at
    this place (a vendor that normalises "$5") are passed over. A word without a time, or with one of no length, is put
    between those that have one; `rest` spreads what stayed.
    """

    def __init__(self) -> None:
        self.text = ""
        self.told_to = 0
        """End of the last word whose time is known."""
        self._at = 0
        self._timed = False
        self._last_ms = 0.0
        self._word: tuple[int, int] | None = None
        self._word_ms = (0.0, 0.0)
        self._units: deque[tuple[int, int]] | None = None  # those behind the last word told

    def given(self, text: str) -> None:
        self.text += text
        self._units = None

    @property
    def all_told(self) -> bool:
        return not has_words(self.text, self.told_to)

    def take(self, chars: Sequence[str], starts_ms: Sequence[float], ends_ms: Sequence[float]) -> list[WordTime]:
        """The words that these characters complete."""
        told: list[WordTime] = []
        for char, start, end in zip(chars, starts_ms, ends_ms, strict=False):
            if not char or char.isspace() or (place := self._find(char)) is None:
                continue
            self._timed = True
            if self._word is None or place >= self._word[1]:
                told += self._finish()
                self._word, self._word_ms = self._around(place), (start, end)
            elif _sounds(char):
                # A full stop has the pause after it for its duration, in which the word no longer sounds.
                self._word_ms = (self._word_ms[0], max(end, self._word_ms[1]))
            self._at = place + len(char)
            if self._at >= self._word[1]:
                told += self._finish()
        return told

    def follows(self, chars: Sequence[str]) -> bool:
        """Whether the text goes on with these characters, and a word is among them. White space is not compared."""
        next_ones = "".join("".join(chars).split())
        return has_words(next_ones) and "".join(self.text[self._at :].split()).startswith(next_ones)

    def may_end(self, until_ms: float) -> bool:
        """Whether audio of this length may hold all words: what is left of it is not too short for what is left.

        Of a voice that tells no times nothing is known: any sound may be all of it.
        """
        left_ms = until_ms - min(self._last_ms, until_ms)
        return left_ms >= least_ms(self.text[self.told_to :]) or (not self._timed and left_ms > 0)

    def rest(self, until_ms: float) -> list[WordTime]:
        """All words without a time so far, over the audio that is left; none when it is too short for them."""
        if not self.may_end(until_ms):
            return []
        told = self._finish()
        left = spread(self.text, self.told_to, len(self.text), min(self._last_ms, until_ms), until_ms)
        self.told_to = self._at = len(self.text)
        self._last_ms = until_ms
        return told + left

    def _find(self, char: str) -> int | None:
        place = self._at
        while place < len(self.text) and self.text[place].isspace():
            place += 1
        if self.text.startswith(char, place):
            return place
        found = self.text.find(char, place, place + _LOOK_AHEAD)
        return None if found < 0 else found

    def _around(self, place: int) -> tuple[int, int]:
        """The word that this character is in; a mark that is in none stands for itself."""
        if self._units is None:
            self._units = deque(units(self.text, self.told_to))
        while self._units and self._units[0][1] <= place:
            self._units.popleft()
        begin, end = self._units[0] if self._units else (place + 1, place + 1)
        return (max(begin, self.told_to), end) if begin <= place else (place, place + 1)

    def _finish(self) -> list[WordTime]:
        if self._word is None:
            return []
        (begin, end), (start, until) = self._word, self._word_ms
        self._word = None
        start = max(start, self._last_ms)
        if until <= start:
            return []
        told = spread(self.text, self.told_to, begin, self._last_ms, start)
        told += _sounding(self.text, begin, end, start, until)
        self.told_to, self._last_ms = end, until
        return told


def _sounds(char: str) -> bool:
    """A letter, or a vowel sign or an accent that a vendor tells by itself."""
    return char.isalnum() or has_words(char) or unicodedata.category(char[0])[0] == "M"


def _sounding(text: str, begin: int, end: int, start_ms: float, end_ms: float) -> Iterable[WordTime]:
    return [WordTime(begin, end, int(start_ms), int(end_ms))] if has_words(text[begin:end]) else []
