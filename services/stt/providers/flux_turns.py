"""Flux's messages as speech events.

Each TurnInfo holds the whole turn so far, so words are interims until the EndOfTurn makes them one final. A changed
transcript after an EagerEndOfTurn always comes as TurnResumed first. An end that does not say what was said stands for
the words before it, and a turn that begins without an end of the last one ends that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from services.stt.contract import (
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
)
from services.stt.providers.deepgram_fields import Clock, Spoken, share, spoken, whole
from services.stt.providers.deepgram_told import Told, plain
from services.stt.skipped import Skip, skip

ENGINE = "flux"
EAGER, SURE = 0.4, 0.7
"""The confidence asked for, for an early and for a definite end of turn; Deepgram's own default is 0.7."""
_EVENTS = ("StartOfTurn", "Update", "EagerEndOfTurn", "TurnResumed", "EndOfTurn")
_AGAIN_MS = 1_500


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


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a message says of its turn."""

    index: int | None
    start_ms: int | None
    end_ms: int | None
    words: Spoken | None  # None: it does not say

    @property
    def text(self) -> str:
        return self.words.text if self.words is not None else ""

    def is_another(self, before: _Turn) -> bool:
        """Of a later turn than `before`, which got no end: by its number and its time, as far as they are told."""
        new, old = plain(self.text), plain(before.text)
        goes_on = new.startswith(old) or old.startswith(new)
        later = self.start_ms is not None and before.end_ms is not None and self.start_ms >= before.end_ms
        if self.index is None or before.index is None or self.index < before.index:
            return later and not goes_on
        return self.index > before.index and (later or not goes_on)


class FluxTurns:
    """Reads one connection's messages. `sent_ms`: see Clock."""

    def __init__(self, timeline: Timeline, sent_ms: Callable[[], int] | None = None) -> None:
        begin = timeline.leg_ms(0)
        self._clock = Clock(timeline.leg_ms, sent_ms)
        self._told = Told(begin, self._clock)
        self._now = begin
        self._turn: _Turn | None = None  # under way, with its words so far
        self._text = ""  # the words told as interim
        self._given = ""  # words of the turn under way that are final already
        self._last: _Turn | None = None  # the one that ended last
        self._last_at = begin

    @property
    def owes(self) -> bool:
        """There are words that are not final yet."""
        return bool(self._text)

    def read(self, message: dict[str, Any]) -> list[SpeechEvent]:
        """What is new in a message. Raises Skip when it is of no use."""
        match message.get("type"):
            case "TurnInfo":
                return self._info(message)
            case "ConfigureSuccess" | "ConfigureFailure":  # asked for words, and there are none
                return [Interim("", self._now, self._now)] if self._turn is None else []
            case "Connected" | "Warning" | "Metadata":
                raise Skip
            case None if "event" in message:
                return self._info(message)
            case None:
                raise Skip("no_type")
            case _:
                raise Skip("unknown_type")

    def unanswered(self) -> list[SpeechEvent]:
        """It was asked for its words and does not give them: what it said so far is what there is."""
        if self._turn is None or self._turn.words is None or not self._text:
            return [Interim("", self._now, self._now)]
        events = self._final(self._turn.words, guess=True)
        self._given, self._text = f"{self._given} {self._text}".strip(), ""
        self._turn = replace(self._turn, words=None)
        return events

    def _info(self, info: dict[str, Any]) -> list[SpeechEvent]:
        event, turn = info.get("event"), self._read(info)
        if event not in _EVENTS and not turn.text:
            raise Skip("unknown_type")
        if turn.words is None and (self._turn is None or event in ("StartOfTurn", "Update")):
            raise Skip("half")
        if self._is_old(event, turn):
            raise Skip("again")
        at, sure = self._heard(turn), info.get("end_of_turn_confidence")
        events: list[SpeechEvent] = []
        if turn.text or event == "StartOfTurn":
            events = self._opened(turn, at)
        if event == "EndOfTurn":
            return events + self._ended(turn, share(sure, SURE))
        if event == "TurnResumed":
            events.append(TurnEnded(TurnKind.RESUMED, at, share(sure)))
        if self._turn is not None:
            events += self._words(turn, self._turn)
        if event == "EagerEndOfTurn" and self._turn is not None:
            events.append(TurnEnded(TurnKind.EAGER, at, share(sure, EAGER)))
        return events

    def _read(self, info: dict[str, Any]) -> _Turn:
        start, end = self._clock.ms(info.get("audio_window_start")), self._clock.ms(info.get("audio_window_end"))
        words = spoken(info, (start, end), self._clock)
        before = self._turn.words if self._turn is not None else None
        if words is not None and before is not None and before.text == words.text and not words.words:
            words = words.but(words.text, before.end_ms)  # words without times ended where they were told first
        return _Turn(whole(info.get("turn_index")), start, end, words)

    def _heard(self, turn: _Turn) -> int:
        """Leg time up to which it has listened."""
        self._now = max(self._now, self._clock.now_ms if turn.end_ms is None else turn.end_ms)
        return self._now

    def _is_old(self, event: Any, turn: _Turn) -> bool:
        """A message of the turn that has ended: nothing in it is new."""
        last = self._last
        if last is None or (turn.text and not plain(last.text).startswith(plain(turn.text))):
            return False
        if self._clock.now_ms - self._last_at > _AGAIN_MS:
            return False
        by_time = None if turn.end_ms is None or last.end_ms is None else turn.end_ms <= last.end_ms
        by_index = None if turn.index is None or last.index is None else turn.index <= last.index
        if by_time is None and by_index is None:
            return event != "StartOfTurn" and self._turn is None
        return by_time is not False and by_index is not False

    def _opened(self, turn: _Turn, at: int) -> list[SpeechEvent]:
        """A turn begins; one that got no end ends with the words it had."""
        before, events = self._turn, list[SpeechEvent]()
        if before is not None and not (turn.text and turn.is_another(before)):
            return events
        if before is not None and before.words is not None:
            skip(ENGINE, "half")
            events += self._final(before.words, guess=True)
        self._turn, self._text, self._given = replace(turn, words=None), "", ""
        self._told.between()
        return [*events, SpeechStarted(at if turn.start_ms is None else turn.start_ms)]

    def _words(self, turn: _Turn, known: _Turn) -> list[SpeechEvent]:
        """What the turn under way is known to say now."""
        self._turn = known = replace(
            known,
            index=known.index if turn.index is None else turn.index,
            end_ms=known.end_ms if turn.end_ms is None else turn.end_ms,
        )
        words = self._rest(turn.words)
        if words is None or not words.text or words.text == self._text:
            return []
        event = self._told.interim(words)
        if event is None:
            skip(ENGINE, "again")
            return []
        self._turn, self._text = replace(known, words=words), words.text
        return [event]

    def _ended(self, turn: _Turn, sure: float) -> list[SpeechEvent]:
        known = self._turn.words if self._turn is not None else None
        words = known if turn.words is None else self._rest(turn.words)
        events = self._final(words) if words is not None and words.text else []
        if events:
            events.append(SpeechStopped(self._told.end_ms))
        self._last, self._last_at = replace(turn, words=turn.words or known), self._clock.now_ms
        self._turn, self._text, self._given = None, "", ""
        return [*events, TurnEnded(TurnKind.CONFIRMED, self._now, sure)]

    def _final(self, words: Spoken, *, guess: bool = False) -> list[SpeechEvent]:
        event = self._told.final(words, guess=guess)
        if event is None:
            skip(ENGINE, "again")
            return []
        self._now = max(self._now, event.end_ms)
        return [event]

    def _rest(self, words: Spoken | None) -> Spoken | None:
        """Without what was made final although the turn goes on."""
        if words is None or not self._given or words.words:
            return words  # words with times are known by these
        left, given = words.text.split(), plain(self._given)
        while left and given and given.startswith(plain(left[0])):
            given = given[len(plain(left.pop(0))) :]
        return words if given else words.but(" ".join(left), words.end_ms)
