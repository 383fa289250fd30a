"""The fields of Deepgram's messages, each of which may be missing, null, or of another kind than it should be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.stt.contract import Word
from services.stt.transcript import said

AHEAD_MS = 1_000
"""A time that is so much after the audio that was sent is no time."""
_LATEST_S = 1e6
_BESIDE_MS = 500
"""Words that lie so far outside of what their message is about have no times."""


Span = tuple[int | None, int | None]


class Spoken:
    """What a message says was said. Times in ms of leg time; None: it does not say.

    Its single words are read when they are asked for: of a guess, nobody asks.
    """

    __slots__ = ("_loose", "_words", "confidence", "end_ms", "start_ms", "text")

    def __init__(
        self,
        text: str,
        start_ms: int | None,
        end_ms: int | None,
        confidence: float = 0.0,
        words: tuple[Word, ...] = (),
        loose: Callable[[], tuple[Word, ...]] | None = None,
    ) -> None:
        self.text, self.start_ms, self.end_ms, self.confidence = text, start_ms, end_ms, confidence
        self._words = words
        self._loose = loose

    @property
    def words(self) -> tuple[Word, ...]:
        """With times; nothing when these are not known."""
        if self._loose is not None:
            self._words, self._loose = self._loose(), None
        return self._words

    def but(self, text: str, end_ms: int | None) -> Spoken:
        """Without the words' own times."""
        return Spoken(text, self.start_ms, end_ms, self.confidence)


class Clock:
    """Deepgram's seconds as leg time. `leg_ms` translates; `sent_ms`: leg time up to which audio was sent, if known."""

    def __init__(self, leg_ms: Callable[[float], int], sent_ms: Callable[[], int] | None = None) -> None:
        self._leg_ms = leg_ms
        self._sent_ms = sent_ms

    @property
    def now_ms(self) -> int:
        """The newest that can have been heard; 0 when nothing is known of it."""
        return self._sent_ms() if self._sent_ms is not None else 0

    def ms(self, seconds: Any) -> int | None:
        """None for what is no time: negative, infinite, after the audio."""
        found = seconds if type(seconds) is float else number(seconds)
        if found is None or not 0.0 <= found <= _LATEST_S:
            return None
        at = self._leg_ms(found)
        return at if self._sent_ms is None or at <= self._sent_ms() + AHEAD_MS else None

    def span(self, start: Any, duration: Any) -> Span:
        """Where something begins and where it ends."""
        begin, length = number(start), number(duration)
        if begin is None or length is None or length <= 0:
            return self.ms(start), None
        return self.ms(begin), self.ms(begin + length)


def number(value: Any) -> float | None:
    """A finite number, also one that is written as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(value: Any) -> bool:
    if value is True or value is False or value is None:
        return bool(value)
    return value == 1 or (isinstance(value, str) and value.strip().lower() == "true")


def whole(value: Any) -> int | None:
    if type(value) is int and abs(value) < _LATEST_S:
        return value
    found = number(value)
    return None if found is None else int(found)


def share(value: Any, otherwise: float = 0.0) -> float:
    """A confidence, 0 to 1."""
    if type(value) is float and 0.0 <= value <= 1.0:
        return value
    found = number(value)
    return otherwise if found is None else min(max(found, 0.0), 1.0)


def first(value: Any) -> Any:
    """The first of a list; anything else is itself."""
    return (value[0] if value else None) if isinstance(value, list) else value


def spoken(said_by: Any, span: Span, clock: Clock) -> Spoken | None:
    """From a mapping with `transcript`, `words`, `confidence`; None when it says neither that there are words nor that
    there are none."""
    if not isinstance(said_by, dict):
        return None
    written, listed = said_by.get("transcript"), said_by.get("words")
    text, confidence = said(written), number(said_by.get("confidence"))
    if text and confidence is not None and isinstance(listed, list) and (edges := _edges(listed, span, clock)):
        return Spoken(text, *edges, share(confidence), loose=lambda: _timed(_all(listed, clock), span))
    loose = _all(listed, clock)
    if not isinstance(written, str) and not loose:
        return None
    words = _timed(loose, span)
    return Spoken(
        text or " ".join(word.text for word in loose),
        words[0].start_ms if words else span[0],
        words[-1].end_ms if words else span[1],
        _mean([word.confidence for word in loose]) if confidence is None else share(confidence),
        words,
    )


def _edges(listed: list[Any], span: Span, clock: Clock) -> tuple[int, int] | None:
    """Where the words begin and end, if it is as it should be."""
    if not listed or not isinstance(listed[0], dict) or not isinstance(listed[-1], dict):
        return None
    start, end = clock.ms(listed[0].get("start")), clock.ms(listed[-1].get("end"))
    return (start, end) if start is not None and end is not None and _is_at(start, end, span) else None


def _is_at(start: int, end: int, span: Span) -> bool:
    """Whether words with these times are to be believed: they take some, and are where their message is."""
    if end <= start or (span[1] is not None and start > span[1] + _BESIDE_MS):
        return False
    return span[0] is None or end >= span[0] - _BESIDE_MS


def _all(listed: Any, clock: Clock) -> list[_Loose]:
    return [word for each in (listed if isinstance(listed, list) else ()) if (word := _Loose.of(each, clock)).text]


@dataclass(slots=True)
class _Loose:
    """A word whose times may not be known."""

    text: str
    start_ms: int | None
    end_ms: int | None
    confidence: float

    @classmethod
    def of(cls, word: Any, clock: Clock) -> _Loose:
        if not isinstance(word, dict):
            return cls(said(word), None, None, 0.0)
        text = said(word.get("punctuated_word")) or said(word.get("word"))
        return cls(text, clock.ms(word.get("start")), clock.ms(word.get("end")), share(word.get("confidence")))


def _timed(loose: list[_Loose], span: Span) -> tuple[Word, ...]:
    """The words with times that never go back; one without stands where the one before ended."""
    known = [ms for word in loose for ms in (word.start_ms, word.end_ms) if ms is not None]
    if not known or not _is_at(min(known), max(known), span):
        return ()
    at, words = known[0], []
    for word in loose:
        start = max(at, at if word.start_ms is None else word.start_ms)
        at = max(start, start if word.end_ms is None else word.end_ms)
        words.append(Word(word.text, start, at, word.confidence))
    return tuple(words)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
