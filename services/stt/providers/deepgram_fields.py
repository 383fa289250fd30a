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
_BESIDE_MS = 500
"""Words that lie so far outside of what their message is about have no times."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a message says was said. Times in ms of leg time; None: it does not say. `words`: only if their times are
    known."""

    text: str
    start_ms: int | None
    end_ms: int | None
    confidence: float
    words: tuple[Word, ...] = ()


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
        found = number(seconds)
        if found is None or found < 0 or found > 1e9:
            return None
        at = self._leg_ms(found)
        return at if self._sent_ms is None or at <= self._sent_ms() + AHEAD_MS else None

    def span(self, start: Any, duration: Any) -> tuple[int | None, int | None]:
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
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() == "true")


def whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def share(value: Any, otherwise: float = 0.0) -> float:
    """A confidence, 0 to 1."""
    found = number(value)
    return otherwise if found is None else min(max(found, 0.0), 1.0)


def first(value: Any) -> Any:
    """The first of a list; anything else is itself."""
    return (value[0] if value else None) if isinstance(value, list) else value


def spoken(said_by: Any, span: tuple[int | None, int | None], clock: Clock) -> Spoken | None:
    """From a mapping with `transcript`, `words`, `confidence`; None when it says neither that there are words nor that
    there are none."""
    if not isinstance(said_by, dict):
        return None
    written, listed = said_by.get("transcript"), said_by.get("words")
    loose = [word for each in (listed if isinstance(listed, list) else ()) if (word := _Loose.of(each, clock)).text]
    if not isinstance(written, str) and not loose:
        return None
    text = said(written) or " ".join(word.text for word in loose)
    words = _timed(loose, span)
    return Spoken(
        text=text,
        start_ms=words[0].start_ms if words else span[0],
        end_ms=words[-1].end_ms if words else span[1],
        confidence=share(said_by.get("confidence"), _mean([word.confidence for word in loose])),
        words=words,
    )


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


def _timed(loose: list[_Loose], span: tuple[int | None, int | None]) -> tuple[Word, ...]:
    """The words with times that never go back; one without stands where the one before ended. Nothing when they are
    not to be believed: none is known, all are the same, or they are elsewhere than their message."""
    known = [ms for word in loose for ms in (word.start_ms, word.end_ms) if ms is not None]
    if not known or max(known) <= min(known):
        return ()
    begin, end = span
    if (end is not None and min(known) > end + _BESIDE_MS) or (begin is not None and max(known) < begin - _BESIDE_MS):
        return ()
    at, words = known[0], []
    for word in loose:
        start = max(at, at if word.start_ms is None else word.start_ms)
        at = max(start, start if word.end_ms is None else word.end_ms)
        words.append(Word(word.text, start, at, word.confidence))
    return tuple(words)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
