"""What the ears have reported of a caller, so that a recogniser that hears it again reports nothing twice. Pure."""

from __future__ import annotations

from parley.scripts import joined
from parley.v1 import stt_pb2

_SAME_MS = 120
"""Two recognisers place the same word this far apart."""
_MOST_SAID = 8_000
"""Characters of a turn that the next recogniser is told."""
MOST_GUESSES = 2
"""Recognisers in a row that were lost and had not made their guess final."""

Event = stt_pb2.RecognizeEvent


class Report:
    """`accept(event)` says whether it is news, and mends a turn's text that two recognisers heard in parts."""

    def __init__(self) -> None:
        self.in_speech = False
        self.final_until_ms = 0
        self.open_turn = False
        self.pauses: stt_pb2.CallerPauses | None = None
        self._finals: list[str] = []
        self._began_ms = 0
        self._started_ms = 0
        self._turn_until_ms = 0
        self._speech_end_ms = 0
        self._replayed_until_ms = 0
        self._patched = False
        self._guess: stt_pb2.Interim | None = None
        self._guessed = False
        self._guesses = 0

    def lost(self) -> list[Event]:
        """A recogniser is gone. The words of the second that had only a guess are final: a third would have no other.

        Not while the caller speaks: then there is more to hear.
        """
        self._guesses += self._guessed
        self._guessed = False
        guess = self._guess
        if guess is None or self._guesses < MOST_GUESSES or self.in_speech:
            return []
        return [Event(final=stt_pb2.Final(text=guess.text, start_ms=guess.start_ms, end_ms=guess.end_ms))]

    def replayed(self, until_ms: int) -> None:
        """Another recogniser hears the audio up to here again."""
        self._replayed_until_ms = until_ms
        self._patched = bool(self._finals)

    def again(self, offset_ms: int) -> bool:
        """This moment is heard for the second time."""
        return offset_ms < self._replayed_until_ms

    def accept(self, event: Event) -> bool:
        kind = event.WhichOneof("event")
        if kind == "speech_started":
            return self._started(event.speech_started)
        if kind == "interim":
            fresh = not event.interim.end_ms or event.interim.end_ms > self.final_until_ms + _SAME_MS
            self.open_turn = self.open_turn or fresh
            if fresh:
                self._guess = event.interim if event.interim.text else None
                self._guessed = self._guess is not None
            return fresh
        if kind == "final":
            return self._final(event.final)
        if kind == "speech_stopped":
            return self._stopped(event.speech_stopped)
        if kind == "turn_ended":
            return self._ended(event.turn_ended)
        return False

    def overdue(self, offset_ms: int) -> Event:
        """The turn's end that nobody will report, because its recogniser died after the last final."""
        text = joined(*self._finals)
        ended = stt_pb2.TurnEnded(
            kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text=text, offset_ms=offset_ms, speech_end_ms=self._speech_end_ms
        )
        self._close_turn(offset_ms)
        return Event(turn_ended=ended)

    @property
    def said(self) -> stt_pb2.Final | None:
        """The words of the turn under way that are final: the next recogniser goes on from there."""
        if not self._finals:
            return None
        text = joined(*self._finals)[-_MOST_SAID:]
        return stt_pb2.Final(text=text, start_ms=self._began_ms, end_ms=self._speech_end_ms)

    def _started(self, started: stt_pb2.SpeechStarted) -> bool:
        if self.in_speech and self.again(started.offset_ms):
            return False
        self.in_speech = self.open_turn = True
        self._started_ms = started.offset_ms
        return True

    def _stopped(self, stopped: stt_pb2.SpeechStopped) -> bool:
        """The end of a sound before the one that was told last is no news: who hears again hears that too."""
        if self.again(stopped.offset_ms) and stopped.offset_ms <= self._started_ms:
            return False
        was, self.in_speech = self.in_speech, False
        return was

    def _final(self, final: stt_pb2.Final) -> bool:
        if final.end_ms and final.end_ms <= self.final_until_ms + _SAME_MS and self.again(final.end_ms - 1):
            return False
        self.final_until_ms = max(self.final_until_ms, final.end_ms)
        self._speech_end_ms = final.end_ms
        self.open_turn = True
        self._forget_guess()
        if final.text:
            self._began_ms = self._began_ms if self._finals else final.start_ms
            self._finals.append(final.text)
        return True

    def _ended(self, ended: stt_pb2.TurnEnded) -> bool:
        if ended.HasField("pauses"):
            self.pauses = ended.pauses
        if ended.offset_ms and ended.offset_ms <= self._turn_until_ms and not self._finals:
            return False  # with words of its own it is another turn that ended at the same moment
        if ended.kind != stt_pb2.TurnEnded.KIND_CONFIRMED:
            return not self._patched  # the words of a turn that two recognisers heard are known at its end only
        if self._patched and self._finals:
            ended.text = joined(*self._finals)
        self._close_turn(ended.offset_ms)
        return True

    def _close_turn(self, offset_ms: int) -> None:
        self._turn_until_ms = max(self._turn_until_ms, offset_ms)
        self._finals.clear()
        self.open_turn = self._patched = self.in_speech = False
        self._forget_guess()

    def _forget_guess(self) -> None:
        self._guess, self._guessed, self._guesses = None, False, 0
