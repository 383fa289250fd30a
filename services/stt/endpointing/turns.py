"""The turns of one call: speech edges, words and the recogniser's opinion in; who has the floor out.

No await and no clock: time is the audio's own, and passes with `progress`. Every input returns what is to be told, in
order. `Flush` among it asks the recogniser to say now what it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.stt.contract import (
    Endpointing,
    Final,
    Flush,
    Interim,
    Pauses,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
)
from services.stt.endpointing.fixed import fixed
from services.stt.endpointing.pauses import learned
from services.stt.endpointing.policy import Policy, Quiet

Told = Sequence[SpeechEvent | Flush]

LATE_WORDS_MS = 1000  # after max_delay: how long words that the recogniser still holds are waited for
NOISE_MS = 5000  # after max_delay: sound without a word for so long is no caller
WORDLESS_MS = 5000  # voice for which no word came in so long was a cough
LONGEST_TURN_MS = 90_000
# A recogniser's word times and the VAD's edges differ by this much.
_SMEAR_MS = 500
_NEAR_MS = 300


class Turns:
    """One call's account. `vad`: edges come from `edge`; otherwise from the recogniser's own events."""

    def __init__(self, wish: Endpointing, pauses: Pauses, offset_ms: int, *, vad: bool, policy: Policy = fixed) -> None:
        self.long_turns = 0
        self.pauses = pauses
        self._wish = wish
        self._policy = policy
        self._vad = vad
        self._now = self._patience = offset_ms
        self._told_started = False
        self._speaking = False
        self._voice_from = self._voice_end = offset_ms
        self._finals: list[Final] = []
        self._interim: Interim | None = None
        self._word_end = self._covered = offset_ms
        self._vendor_final = False
        self._flushed = self._answered = False
        self._let_go_ms: int | None = None
        self._ended_ms = offset_ms

    def configure(self, wish: Endpointing, policy: Policy) -> Told:
        self._wish, self._policy = wish, policy
        return self._decide()

    @property
    def now_ms(self) -> int:
        """Audio has been listened to up to here."""
        return self._now

    @property
    def pending(self) -> bool:
        """Words of a turn that has not ended."""
        return bool(self._finals) or self._interim is not None

    @property
    def flushed(self) -> bool:
        """A Flush was sent and the caller has said nothing since."""
        return self._flushed

    @property
    def settled_ms(self) -> int | None:
        """Audio up to here is not needed again. None while somebody speaks or words are on their way."""
        return None if self._speaking or self.pending or self._uncovered else self._now

    def edge(self, event: SpeechStarted | SpeechStopped) -> Told:
        """The VAD's edge."""
        if isinstance(event, SpeechStarted):
            return self._started(event.offset_ms)
        return self._stopped(event.offset_ms)

    def progress(self, now_ms: int, patience_ms: int) -> Told:
        """The audio has been listened to up to here; the recogniser has had the time to hear it up to `patience_ms`.

        The two differ while replayed audio comes faster than real time.
        """
        self._now = max(self._now, now_ms)
        self._patience = min(self._now, patience_ms)
        if not (self._finals or self._interim or self._uncovered):
            return ()
        if not (self._speaking or self.pending) and self._patience - self._voice_end >= WORDLESS_MS:
            self._covered = self._now
        return self._decide()

    def heard(self, event: SpeechEvent) -> Told:
        """What the recogniser says; words are passed on."""
        match event:
            case Interim(text=""):
                taken_back = [event] if self._interim else []
                self._interim = None
                self._answered = True
                return [*taken_back, *self._decide()]
            case Interim():
                before = self._spoken(event.start_ms, event.end_ms)
                self._interim = event
                return [*before, event]
            case Final(text=""):
                self._covered = max(self._covered, event.end_ms)
                self._interim = None
                self._answered = True
                return [event, *self._decide()]
            case Final():
                before = self._spoken(event.start_ms, event.end_ms)
                self.pauses = learned(self.pauses, event, self._finals[-1] if self._finals else None)
                self._finals.append(event)
                self._interim = None
                self._answered = True
                self._covered = max(self._covered, event.end_ms)
                return [*before, event, *self._decide()]
            case TurnEnded(kind=TurnKind.CONFIRMED):
                self._vendor_final = self._answered = True
                self._interim = None
                self._covered = max(self._covered, event.offset_ms)
                self._now = max(self._now, event.offset_ms)
                return self._decide()
            case SpeechStarted() if not self._vad:
                return self._started(event.offset_ms)
            case SpeechStopped() if not self._vad:
                return self._stopped(event.offset_ms)
            case _:
                return ()

    def end_of_turn(self, at_ms: int) -> Told:
        """The button was let go at this point of the audio, or the audio ceased there.

        What was said is the turn, once the recogniser has answered for all of it.
        """
        if self._finals and self._vendor_final and not self._resumed and self._word_end <= at_ms <= self._now:
            return self._end()
        self._let_go_ms = at_ms
        self._flushed = False
        return self._flush()

    def overdue(self) -> Told:
        """The answer to the Flush did not come in time. Words that come later end the turn themselves."""
        return self._end() if self._let_go_ms is not None and self._finals and not self._interim else ()

    def finish(self) -> Told:
        """The audio is over and the recogniser has said everything."""
        told = self._stopped(max(self._voice_from, self._word_end)) if self._told_started else ()
        return [*told, *(self._end() if self._finals else ())]

    @property
    def _uncovered(self) -> bool:
        """There was voice that the recogniser has not answered for."""
        return self._vad and (self._voice_end > self._covered + _SMEAR_MS or self._voice_from > self._covered)

    def _started(self, offset_ms: int) -> Told:
        if self._speaking:
            return ()
        self._speaking = True
        if offset_ms > self._word_end:
            self._vendor_final = False
        self._flushed = self._answered = False
        if self._let_go_ms is not None and offset_ms >= self._let_go_ms and not self.pending:
            self._let_go_ms = None
        self._voice_from = offset_ms
        # While audio comes faster than real time, the VAD may lag behind words that were answered already.
        if self._told_started or offset_ms + _SMEAR_MS < self._ended_ms:
            return ()
        self._told_started = True
        return [SpeechStarted(offset_ms)]

    def _stopped(self, offset_ms: int) -> Told:
        self._speaking = False
        self._voice_end = max(self._voice_end, offset_ms)
        if not self._told_started:
            return self._decide()
        self._told_started = False
        return [SpeechStopped(offset_ms), *self._decide()]

    def _spoken(self, start_ms: int, end_ms: int) -> Told:
        """Words came. They are speech even when no edge told of it: the voice was too soft, or there is no VAD."""
        self._vendor_final = False
        self._word_end = max(self._word_end, end_ms)
        if self._told_started or (self._vad and end_ms <= self._voice_end + _NEAR_MS):
            return ()
        self._told_started = True
        return [SpeechStarted(max(start_ms, 0))]

    def _decide(self) -> Told:
        ask = Quiet(self._wish, self._vendor_final, " ".join(final.text for final in self._finals), self.pauses)
        told: Told = ()
        if not self._speaking and (self._interim or self._uncovered) and self._silence >= ask.flush_ms:
            told = self._flush()
        if not self._finals:
            return told
        if self._let_go_ms is not None and self._interim is None and self._answered:
            return [*told, *self._end()]
        if self._now - self._finals[0].start_ms >= LONGEST_TURN_MS:
            self.long_turns += 1
            return [*told, *self._end()]
        wait = self._policy(ask)
        if wait is None:
            return told
        if not self._held:
            return [*told, *self._end()] if self._silence >= wait else told
        grace = NOISE_MS if self._speaking else LATE_WORDS_MS
        return [*told, *self._end()] if self._patience - self._word_end >= ask.max_ms + grace else told

    @property
    def _silence(self) -> int:
        """Audio since the last word, or since the last sound as long as the recogniser has not decided."""
        if self._vendor_final or not self._vad:
            return self._now - self._word_end
        return self._now - max(self._word_end, self._voice_end)

    @property
    def _held(self) -> bool:
        """Something speaks against the end: new voice after the last word, or words still on their way."""
        if self._vendor_final:
            return self._resumed
        return self._speaking or self._interim is not None or self._uncovered

    @property
    def _resumed(self) -> bool:
        """A voice began after the last word, and the recogniser has not answered for all of it."""
        return self._voice_from > self._word_end and (self._speaking or self._voice_end > self._covered)

    def _flush(self) -> Told:
        if self._flushed:
            return ()
        self._flushed, self._answered = True, False
        return [Flush.FLUSH]

    def _end(self) -> Told:
        told: list[SpeechEvent | Flush] = []
        speech_end = self._finals[-1].end_ms
        if self._told_started and not self._resumed:
            self._told_started = False
            told.append(SpeechStopped(speech_end))
        text = " ".join(final.text for final in self._finals)
        told.append(TurnEnded(TurnKind.CONFIRMED, max(self._now, speech_end), 1.0, text, speech_end, self.pauses))
        self._finals = []
        self._vendor_final = False
        self._let_go_ms = None
        self._ended_ms = speech_end
        return told
