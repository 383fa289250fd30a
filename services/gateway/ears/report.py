"""What the ears have reported of a caller, so that a recogniser that hears it again reports nothing twice. Pure.

stt counts the caller's turns. Who holds the count while recognisers come and go is here: each is told where it stands.
"""

from __future__ import annotations

from parley.text.scripts import joined
from parley.v1 import stt_pb2

_MOST_SAID = 8_000
"""Characters of a turn that the next recogniser is told."""
WORDLESS_MS = 5_000
"""A sound that was over so long ago and has no words by now has none: a cough, a door."""
MOST_GUESSES = 2
"""Recognisers in a row that were lost and had not made their guess final."""

Event = stt_pb2.RecognizeEvent


class Report:
    """`accept(event)` says whether it is news.

    `turn`: number of the turn under way. `said`: its words that are final; the next recogniser goes on from there.
    """

    def __init__(self) -> None:
        self.turn = 1
        self.said: stt_pb2.Final | None = None
        self.in_speech = False
        self.final_until_ms = 0
        self.open_turn = False
        self.pauses: stt_pb2.CallerPauses | None = None
        self._started_ms = self._stopped_ms = 0
        self._replayed_until_ms = 0
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

    def waits(self, now_ms: int) -> bool:
        """Words are owed: somebody speaks, has spoken just now, or has been understood in part."""
        if not self.open_turn:
            return False
        return self.in_speech or self._has_words or now_ms - self._stopped_ms < WORDLESS_MS

    @property
    def _has_words(self) -> bool:
        return self.said is not None or self._guess is not None

    def again(self, offset_ms: int) -> bool:
        """This moment is heard for the second time."""
        return offset_ms < self._replayed_until_ms

    def accept(self, event: Event) -> bool:
        event.turn = event.turn or self.turn  # ears of the version before do not count
        if event.turn < self.turn:
            return False
        kind = event.WhichOneof("event")
        if kind == "speech_started":
            return self._started(event.speech_started)
        if kind == "speech_stopped":
            return self._stopped(event.speech_stopped)
        if kind == "interim":
            self._guess = event.interim if event.interim.text else None
            self._guessed = self._guess is not None
            self.open_turn = True
        elif kind == "final":
            self._final(event.final)
        elif kind == "turn_ended":
            self._ended(event.turn_ended, event.turn)
        return kind is not None

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
        self._stopped_ms = stopped.offset_ms
        return was

    def _final(self, final: stt_pb2.Final) -> None:
        self.final_until_ms = max(self.final_until_ms, final.end_ms)
        self.open_turn = True
        self._forget_guess()
        if final.text:
            before = self.said or stt_pb2.Final(start_ms=final.start_ms)
            text = joined(before.text, final.text)[-_MOST_SAID:]
            self.said = stt_pb2.Final(text=text, start_ms=before.start_ms, end_ms=final.end_ms)

    def _ended(self, ended: stt_pb2.TurnEnded, turn: int) -> None:
        if ended.HasField("pauses"):
            self.pauses = ended.pauses
        if ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED:
            self.turn = turn + 1
            self.said = None
            self.open_turn = self.in_speech = False
            self._forget_guess()

    def _forget_guess(self) -> None:
        self._guess, self._guessed, self._guesses = None, False, 0
