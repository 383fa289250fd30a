"""Deepgram's messages as speech events.

A turn's text is the sum of its `is_final` segments; `speech_final` carries only the last of them. An UtteranceEnd
counts when no speech_final came since the last word (in steady noise none ever comes).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog

from parley.errors import VendorLost
from services.stt.contract import (
    Final,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
    Word,
)

log = structlog.get_logger()


class Results:
    """Reads one connection's messages; their clock starts at 0, ours at `offset_ms`."""

    def __init__(self, offset_ms: int) -> None:
        self._offset = offset_ms
        self._interim = ""
        self._open = False  # words since the last end of speech
        self._sounding = False
        self._word_end = offset_ms

    def read(self, message: Any) -> Iterator[SpeechEvent]:
        """Raises VendorLost for what cannot be read, and for Deepgram's own errors."""
        try:
            kind = message["type"]
            if kind == "Results":
                yield from self._result(message)
            elif kind == "SpeechStarted":
                self._sounding = True
                yield SpeechStarted(self._ms(message["timestamp"]))
            elif kind == "UtteranceEnd":
                yield from self._ended(self._word_end)
            elif kind == "Error":
                raise VendorLost(f"Deepgram reports an error: {message.get('description')}")
        except (AttributeError, LookupError, TypeError, ValueError) as e:
            raise VendorLost("Deepgram sent what cannot be read") from e

    def _result(self, message: dict[str, Any]) -> Iterator[SpeechEvent]:
        best = message["channel"]["alternatives"][0]
        text, confidence = best["transcript"], best.get("confidence") or 0.0
        until = self._ms(message["start"] + message["duration"])
        if text:
            words = best.get("words") or []
            start = self._ms(words[0]["start"] if words else message["start"])
            end = self._ms(words[-1]["end"]) if words else until
            self._open = True
            self._word_end = max(self._word_end, end)
        if message["is_final"]:
            if text:
                spoken = tuple(self._word(word) for word in words)
                yield Final(text, start, end, confidence, spoken)
            elif self._interim or message.get("from_finalize"):
                yield Interim("", self._word_end, until)  # the guess is taken back; or: there is nothing to flush
            self._interim = ""
        elif text and text != self._interim:
            self._interim = text
            yield Interim(text, start, end, confidence)
        if message.get("speech_final"):
            yield from self._ended(until)

    def _ended(self, offset_ms: int) -> Iterator[SpeechEvent]:
        """Told also of a sound without words: it is over, and nothing more will come of it."""
        if self._sounding:
            yield SpeechStopped(self._word_end if self._open else offset_ms)
        if self._open or self._sounding:
            yield TurnEnded(TurnKind.CONFIRMED, offset_ms)
        self._open = self._sounding = False

    def _word(self, word: dict[str, Any]) -> Word:
        text = word.get("punctuated_word") or word["word"]
        return Word(text, self._ms(word["start"]), self._ms(word["end"]), word.get("confidence") or 0.0)

    def _ms(self, seconds: float) -> int:
        return self._offset + round(seconds * 1000)
