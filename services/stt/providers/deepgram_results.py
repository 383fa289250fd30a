"""Deepgram's messages as speech events.

A turn's text is the sum of its `is_final` segments; `speech_final` carries only the last of them. An UtteranceEnd
counts when no speech_final came since the last word (in steady noise none ever comes), and when the words before it
are final. A guess whose final does not say what was said, or never comes, is what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.stt.contract import (
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
)
from services.stt.providers.deepgram_fields import Clock, Span, Spoken, first, flag, number, spoken, whole
from services.stt.providers.deepgram_told import Told
from services.stt.skipped import Skip, skip

ENGINE = "deepgram"
_STALE_MS = 100
_NEAR_MS = 50
_MUTE = ("Metadata", "ConfigureSuccess", "ConfigureFailure", "Warning", "Connected")
"""Known, and of nothing that was said."""


class Results:
    """Reads one connection's messages; their clock starts at 0, ours at `offset_ms`. `sent_ms`: see Clock."""

    def __init__(self, offset_ms: int, sent_ms: Callable[[], int] | None = None) -> None:
        self._clock = Clock(lambda seconds: offset_ms + round(seconds * 1000), sent_ms)
        self._told = Told(offset_ms, self._clock)
        self._guess: Spoken | None = None
        self._shown = ""  # of the guess
        self._owed = False  # the guess had its final, which did not say what was said
        self._open = False  # words since the last end of speech
        self._sounding = False
        self._word_end = offset_ms

    @property
    def owes(self) -> bool:
        """There is a guess that is not final yet."""
        return self._guess is not None

    def read(self, message: dict[str, Any]) -> list[SpeechEvent]:
        """What is new in a message. Raises Skip when it is of no use."""
        kind = message.get("type")
        if kind is None and isinstance(message.get("channel"), dict):
            kind = "Results"
        if kind is None:
            raise Skip("no_type")
        if kind in _MUTE:
            raise Skip
        if kind not in ("Results", "SpeechStarted", "UtteranceEnd"):
            raise Skip("unknown_type")
        if whole(first(message.get("channel_index" if kind == "Results" else "channel"))):
            raise Skip("other_channel")
        if kind == "Results":
            return self._result(message)
        if kind == "UtteranceEnd":
            return self._utterance_ended(message)
        self._sounding = True
        self._told.between()
        at = self._clock.ms(message.get("timestamp"))
        return [SpeechStarted(max(self._clock.now_ms, self._word_end) if at is None else at)]

    def unanswered(self) -> list[SpeechEvent]:
        """It was asked for its words and does not give them: the guess is what there is, if there is one."""
        return self._stands() or [self._nothing(None)]

    def _result(self, message: dict[str, Any]) -> list[SpeechEvent]:
        asked, over = flag(message.get("from_finalize")), flag(message.get("speech_final"))
        is_final = flag(message.get("is_final")) or asked or over
        span = self._clock.span(message.get("start"), message.get("duration"))
        words = _best(message, span, self._clock)
        if words is None and not is_final:
            raise Skip("half")
        if is_final:
            self._told.begins(number(message.get("start")))
        events: list[SpeechEvent] = []
        if words is not None and self._is_past(words, span):
            events += self._stands()
        if words is not None and words.text:
            self._open = True
            self._word_end = max(self._word_end, words.end_ms or 0)
        if words is None:
            events += self._half(asked)
        elif not is_final:
            return events + self._interim(words)
        else:
            events += self._segment(words, asked, span[1])
        if over:
            until = max(self._clock.now_ms, self._word_end) if span[1] is None else span[1]
            events += self._ended(max(until, self._told.end_ms))
        return events

    def _is_past(self, words: Spoken, span: Span) -> bool:
        """Whether a message is of what came after the guess, which got no final."""
        begins = words.start_ms if self._owed and span[0] is None else span[0]
        ended = self._guess.end_ms if self._guess is not None else None
        return begins is not None and ended is not None and begins >= ended - _NEAR_MS

    def _interim(self, words: Spoken) -> list[SpeechEvent]:
        if not words.text or words.text == self._shown:
            return []
        event = self._told.interim(words)
        if event is None:
            raise Skip("again")
        self._guess, self._shown, self._owed = words, words.text, False
        return [event]

    def _half(self, asked: bool) -> list[SpeechEvent]:
        """A final that does not say what was said. Another may; if none does, the guess stands."""
        skip(ENGINE, "half")
        if asked:
            return self.unanswered()
        self._owed = self._guess is not None
        return []

    def _segment(self, words: Spoken, asked: bool, until: int | None) -> list[SpeechEvent]:
        """The end of a segment: its words, or that there are none."""
        if words.text:
            rest = _after(self._guess, until)
            if told := self._final(words):
                return [*told, *(self._interim(rest) if rest is not None else ())]
            answered = asked and self._guess is None  # words that were told before say nothing of a newer guess
        else:
            if self._owed and (told := self._stands()):
                return told
            answered = asked or self._guess is not None
        return [self._nothing(until)] if answered else []

    def _stands(self) -> list[SpeechEvent]:
        """The guess is what was said."""
        return self._final(self._guess, guess=True) if self._guess is not None else []

    def _final(self, words: Spoken, *, guess: bool = False) -> list[SpeechEvent]:
        event = self._told.final(words, guess=guess)
        if event is None:
            skip(ENGINE, "again")
            return []
        self._forget()
        self._word_end = max(self._word_end, event.end_ms)
        return [event]

    def _nothing(self, until: int | None) -> Interim:
        """The guess is taken back; or: there is nothing to flush."""
        self._forget()
        return Interim("", self._word_end, max(until or 0, self._word_end))

    def _forget(self) -> None:
        self._guess, self._shown, self._owed = None, "", False

    def _utterance_ended(self, message: dict[str, Any]) -> list[SpeechEvent]:
        at = number(message.get("last_word_end"))
        last = self._clock.ms(at)
        if at is not None and at >= 0 and last is not None and last < self._word_end - _STALE_MS:
            raise Skip("again")  # it is of words before those that are known
        return [*(self._stands() if self._owed else ()), *self._ended(self._word_end)]

    def _ended(self, offset_ms: int) -> list[SpeechEvent]:
        """Told also of a sound without words: it is over, and nothing more will come of it.

        Not while a guess stands: who has ended has said what it was.
        """
        events: list[SpeechEvent] = []
        if self._sounding:
            events.append(SpeechStopped(self._word_end if self._open else offset_ms))
        if self._guess is None:
            if self._open or self._sounding:
                events.append(TurnEnded(TurnKind.CONFIRMED, offset_ms))
            self._open = False
        self._sounding = False
        return events


def _after(guess: Spoken | None, until: int | None) -> Spoken | None:
    """What a guess has beyond the segment that is final now."""
    if guess is None or until is None or guess.end_ms is None or guess.end_ms <= until:
        return None
    words = tuple(word for word in guess.words if word.start_ms >= until - _NEAR_MS)
    if not words:
        return None
    return Spoken(" ".join(w.text for w in words), words[0].start_ms, words[-1].end_ms, guess.confidence, words)


def _best(message: dict[str, Any], span: tuple[int | None, int | None], clock: Clock) -> Spoken | None:
    """The first alternative that says something; None when none does."""
    channel = message.get("channel")
    alternatives = first(channel).get("alternatives") if isinstance(first(channel), dict) else None
    for each in alternatives if isinstance(alternatives, list) else (alternatives,):
        if (found := spoken(each, span, clock)) is not None:
            return found
    return None
