"""Flux's messages as speech events.

Each TurnInfo holds the whole turn so far, so words are interims until the EndOfTurn makes them one final. A changed
transcript after an EagerEndOfTurn always comes as TurnResumed first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
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


class Timeline:
    """The vendor's time, which starts at 0 and runs on in silence that we made, as leg time."""

    def __init__(self, offset_ms: int) -> None:
        self._offset = offset_ms
        self._made: list[tuple[int, int]] = []  # where made silence begins in the vendor's time, and how long it is

    def made(self, begin_ms: int, length_ms: int) -> None:
        """`length_ms` of silence were sent that the caller did not send."""
        if self._made and sum(self._made[-1]) == begin_ms:
            begin_ms, length_ms = self._made[-1][0], self._made.pop()[1] + length_ms
        self._made.append((begin_ms, length_ms))

    def leg_ms(self, seconds: float) -> int:
        at = round(seconds * 1000)
        return self._offset + at - sum(min(length, max(0, at - begin)) for begin, length in self._made)


class FluxTurns:
    """Reads one connection's messages."""

    def __init__(self, timeline: Timeline) -> None:
        self._time = timeline
        self._open = False
        self._text = ""
        self._now = timeline.leg_ms(0)

    def read(self, message: Any) -> Iterator[SpeechEvent]:
        """Raises VendorLost for what cannot be read, and for Deepgram's own errors."""
        try:
            match message["type"]:
                case "TurnInfo":
                    yield from self._turn(message)
                case "ConfigureSuccess" | "ConfigureFailure":
                    if not self._open:
                        yield Interim("", self._now, self._now)  # it was asked for words, and has none
                case "Warning":
                    log.warning("Deepgram warns", code=message.get("code"), description=message.get("description"))
                case "Error":
                    raise VendorLost(f"Deepgram reports an error: {message.get('description')}")
        except (AttributeError, LookupError, TypeError, ValueError) as e:
            raise VendorLost("Deepgram sent what cannot be read") from e

    def _turn(self, info: Any) -> Iterator[SpeechEvent]:
        self._now = self._time.leg_ms(info["audio_window_end"])
        if info["event"] == "StartOfTurn" or (not self._open and info["transcript"]):
            self._open, self._text = True, ""
            yield SpeechStarted(self._time.leg_ms(info["audio_window_start"]))
        if info["event"] == "EndOfTurn":
            yield from self._end(info)
            return
        if info["event"] == "TurnResumed":
            yield TurnEnded(TurnKind.RESUMED, self._now, info["end_of_turn_confidence"])
        if info["transcript"] and info["transcript"] != self._text:
            self._text = info["transcript"]
            words = self._words(info)
            yield Interim(self._text, words[0].start_ms, words[-1].end_ms)
        if info["event"] == "EagerEndOfTurn":
            yield TurnEnded(TurnKind.EAGER, self._now, info["end_of_turn_confidence"])

    def _end(self, info: Any) -> Iterator[SpeechEvent]:
        self._open = False
        if info["transcript"]:
            words = self._words(info)
            sure = sum(word.confidence for word in words) / len(words)
            yield Final(info["transcript"], words[0].start_ms, words[-1].end_ms, sure, words)
            yield SpeechStopped(words[-1].end_ms)
        yield TurnEnded(TurnKind.CONFIRMED, self._now, info["end_of_turn_confidence"])

    def _words(self, info: Any) -> tuple[Word, ...]:
        """With times: a word for which none came begins where the one before ended."""
        words = info.get("words") or ()
        ends = [info["audio_window_start"], *(word.get("end") for word in words)]
        if not words:
            return (Word(info["transcript"], self._time.leg_ms(info["audio_window_start"]), self._now),)
        begins = [ends[0] if word.get("start") is None else word["start"] for word in words]
        for i, (before, _) in enumerate(pairwise(ends)):
            if ends[i + 1] is None:
                ends[i + 1] = max(begins[i], before)
        return tuple(
            Word(
                word["word"],
                self._time.leg_ms(begin),
                self._time.leg_ms(max(begin, end)),
                word.get("confidence") or 0.0,
            )
            for word, begin, end in zip(words, begins, ends[1:], strict=True)
        )
