"""One utterance on its way to the caller: its words, its sound, and how far both have come."""

from __future__ import annotations

from parley.audio import AudioFormat
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.mouth.telling import Telling
from services.gateway.mouth.track import Track

_TAIL_MS = 40
"""The last sound of a word may be missing without the word being missed."""
_FRAME_MS = 20
"""The far end may be a frame behind the clock: a word is done with only when that has passed too."""


class Utterance:
    """Where an utterance stands. Its sound lies in one run of each generation: track `from_ms` is position `at_ms`."""

    def __init__(self, say: conversation_pb2.Say, turn: call_pb2.TurnRef, traceparent: str, sound: AudioFormat) -> None:
        self.id = say.utterance
        self.turn = turn
        self.kind = say.kind
        self.once = say.once
        self.interruptible = say.interruptible
        self.expect = say.expect
        self.protect_ms = say.protect_ms
        self.traceparent = traceparent
        self.track = Track(sound)
        self.started = False
        self.failed = False
        self.clipped = False
        """Not all of its text was taken."""
        self.end_marked = False
        self.heard_ms = 0.0
        self.telling = Telling(0.0)
        self._reached_ms = 0.0
        self._at_ms: float | None = None
        self._from_ms = 0.0

    def enters(self, position_ms: float) -> bool:
        """Its next sound is sent at this position of the generation. True when its run there has already begun."""
        if self._at_ms is not None:
            return True
        self._at_ms = position_ms
        self._from_ms = self.track.sent_ms
        self.telling = Telling(self._from_ms)
        return False

    @property
    def runs(self) -> bool:
        """Some of its sound was sent since the last `clear`."""
        return self._at_ms is not None

    def follow(self, played_ms: float) -> float:
        """The far end has played this much of the generation. Returns how much of the utterance it has heard."""
        self.heard_ms = self.heard_by(played_ms)
        return self.heard_ms

    def heard_by(self, played_ms: float) -> float:
        """How much of it the far end has heard when it has played this much of the generation."""
        if self._at_ms is None:
            return self.heard_ms
        sounded = min(max(0.0, played_ms - self._at_ms), self.track.sent_ms - self._from_ms)
        return max(self.heard_ms, self._from_ms + sounded)

    def lies_at(self, ms: float) -> float:
        """Where in the generation this moment of its sound lies, in the run there."""
        return (self._at_ms or 0.0) + max(0.0, ms - self._from_ms)

    def rewind(self) -> int:
        """It fell silent: a `clear` went out, or sound was wanting. Goes back to the start of that word.

        Returns that character. May be asked again before it plays on: word times that came meanwhile count.
        """
        reached = self._reached_ms = max(self._reached_ms, self.heard_ms)
        word = self.track.word_start(reached - _FRAME_MS)
        back_to = min(float(word.start_ms), reached) if word is not None else reached
        self.track.rewind(back_to)
        self.heard_ms = min(reached, self.track.sent_ms)
        self._at_ms = None
        self.end_marked = False
        return word.char_start if word is not None else self.track.chars_at(reached)

    @property
    def in_one_run(self) -> bool:
        """It was never paused: what was heard of it was heard without a break."""
        return not self._from_ms

    @property
    def heard_chars(self) -> int:
        """Characters of its text that have sounded. What was heard before a pause stays heard."""
        heard = max(self.heard_ms, self._reached_ms)
        if not heard:
            return 0
        chars = self.track.chars_at(heard + _TAIL_MS)
        return min(chars, self.track.said_chars) if self.failed else chars

    @property
    def all_sent(self) -> bool:
        return self.track.exhausted

    @property
    def all_heard(self) -> bool:
        return self.track.exhausted and self.heard_ms >= self.track.size_ms - 1
