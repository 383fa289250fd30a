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
from services.stt.endpointing.eager import Eager
from services.stt.endpointing.fixed import fixed
from services.stt.endpointing.policy import Policy, Quiet, Wait
from services.stt.endpointing.words import Words

Told = Sequence[SpeechEvent | Flush]

LATE_WORDS_MS = 1000  # after max_delay: how long words are waited for that the recogniser did not give when asked
BATCH_MS = 240  # a recogniser that was late tells the rest right behind the first words
DEAF_MS = 4000  # silence after which a recogniser that does not answer is waited for no longer: it is found out sooner
NOISE_MS = 5000  # after max_delay: sound without a word for so long is no caller
SILENT_MS = 3000  # without a VAD: a voice that the recogniser has no news of for so long is not heard any more
WORDLESS_MS = 5000  # voice for which no word came in so long was a cough
LONGEST_TURN_MS, MOST_CHARS = 90_000, 8_000
# A recogniser's word times and the VAD's edges differ by this much.
_SMEAR_MS = 500
_NEAR_MS = 300


class Turns:
    """One call's account. `vad`: edges come from `edge`; otherwise from the recogniser's own events.

    `said`: words of the turn under way that another recogniser has told. A stream that begins in mid-call hears in one
    go what was said meanwhile: no turn ends before the recogniser has answered for it.
    """

    def __init__(
        self,
        wish: Endpointing,
        pauses: Pauses,
        offset_ms: int,
        *,
        vad: bool,
        policy: Policy = fixed,
        language: str = "en",
        said: Final | None = None,
    ) -> None:
        self.long_turns = 0
        self._wish = wish
        self._policy = policy
        self._language = language
        self._wait: Wait | None = None
        self._vad = vad
        self._now = self._patience = offset_ms
        self._told_started = False
        self._speaking = False
        self._voice_from = self._voice_end = offset_ms
        self._words = Words(pauses, offset_ms, said)
        self._catching_up = offset_ms > 0
        self._began_ms = offset_ms
        self._covered = offset_ms
        self._vendor_final = False
        self._vendor_over: float | None = None
        self._audio_over: float | None = None
        self._eager = Eager()
        self._flushed = self._answered = False
        self._let_go_ms: int | None = None
        self._ended_ms = offset_ms
        self._more_until_ms = 0

    def configure(self, wish: Endpointing, policy: Policy) -> Told:
        self._wish, self._policy = wish, policy
        self._wait = None
        return self._decide()

    @property
    def pauses(self) -> Pauses:
        """What is known of this caller."""
        return self._words.pauses

    @property
    def now_ms(self) -> int:
        """Audio has been listened to up to here."""
        return self._now

    @property
    def pending(self) -> bool:
        """Words of a turn that has not ended."""
        return bool(self._words)

    @property
    def flushed(self) -> bool:
        """A Flush was sent and the caller has said nothing since."""
        return self._flushed

    @property
    def settled_ms(self) -> int | None:
        """Audio up to here is not needed again. None while somebody speaks or words are on their way."""
        return None if self._speaking or self.pending or self._uncovered else self._now

    def heard_from(self, offset_ms: int) -> None:
        """Another recogniser begins to listen here."""
        self._words.heard_from(offset_ms)

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
        told = self._forgotten()
        if not (self.pending or self._uncovered):
            return told
        if not (self._speaking or self.pending) and self._patience - self._voice_end >= WORDLESS_MS:
            self._covered, self._wait = self._now, None
        return [*told, *self._decide()]

    def _forgotten(self) -> Told:
        """Without a VAD the recogniser tells when a voice ends, or forgets to."""
        last_ms = max(self._voice_from, self._words.end_ms)
        if self._vad or not self._speaking or self._patience - last_ms < SILENT_MS:
            return ()
        return self._stopped(last_ms)

    def heard(self, event: SpeechEvent) -> Told:
        """What the recogniser says; words are passed on, but for those that were final before."""
        self._wait = None
        match event:
            case Interim(text=""):
                taken_back = [event] if self._words.interim else []
                return [*self._nothing(), *taken_back, *self._decide()]
            case Interim() if self._words.told(event):
                return self._decide()
            case Interim():
                self._words.guess(event)
                return [*self._spoken(event.start_ms), *self._overtaken(), event, *self._decide()]
            case Final(text=""):
                self._covered = max(self._covered, event.end_ms)
                return [*self._nothing(), event, *self._decide()]
            case Final():
                if news := not self._words.told(event):
                    self._words.settle(event)
                self._answered = True
                more = self._voice_end > event.end_ms + _NEAR_MS and self._now - self._voice_end >= LATE_WORDS_MS
                self._more_until_ms = self._now + BATCH_MS if more else 0
                if self._catching_up and self._flushed:  # it may have been on its way before the question
                    self._catching_up = self._voice_end > event.end_ms + _NEAR_MS
                    self._flushed = not self._catching_up  # ask again
                self._covered = max(self._covered, event.end_ms)
                passed_on = [*self._spoken(event.start_ms), *self._overtaken(), event] if news else []
                return [*passed_on, *self._decide()]
            case TurnEnded():
                return self._opinion(event)
            case SpeechStarted() if not self._vad:
                return self._started(event.offset_ms)
            case SpeechStopped() if not self._vad:
                return self._stopped(event.offset_ms)
            case _:
                return ()

    def sounds_over(self, probability: float, at_ms: int) -> Told:
        """The audio model's opinion on the silence that began at `at_ms`; void when the caller has gone on."""
        if self._speaking or self._voice_end > at_ms:
            return ()
        self._audio_over, self._wait = probability, None
        return self._decide()

    def _nothing(self) -> Told:
        """The recogniser has no more words than its finals."""
        self._words.take_back()
        self._answered = True
        self._catching_up = self._catching_up and not self._flushed
        return self._overtaken()

    def _opinion(self, event: TurnEnded) -> Told:
        """The recogniser's own view of the turn."""
        if event.kind is not TurnKind.CONFIRMED:
            self._vendor_over = event.confidence if event.kind is TurnKind.EAGER else None
            self._now = max(self._now, event.offset_ms)
            return self._decide()
        told = self._nothing()
        self._vendor_final, self._catching_up = True, False
        self._vendor_over = event.confidence or None
        self._covered = max(self._covered, event.offset_ms)
        self._now = max(self._now, event.offset_ms)
        return [*told, *self._decide()]

    def end_of_turn(self, at_ms: int) -> Told:
        """The button was let go at this point of the audio, or the audio ceased there.

        What was said is the turn, once the recogniser has answered for all of it.
        """
        if self._words.finals and self._vendor_final and not self._resumed and self._words.end_ms <= at_ms <= self._now:
            return self._end()
        self._let_go_ms = at_ms
        self._flushed = False
        return self._flush()

    def overdue(self) -> Told:
        """The answer to the Flush did not come in time. Words that come later end the turn themselves."""
        return self._end() if self._let_go_ms is not None and self._words.finals and not self._words.interim else ()

    def finish(self) -> Told:
        """The audio is over and the recogniser has said everything."""
        told = self._stopped(max(self._voice_from, self._words.end_ms)) if self._told_started else ()
        return [*told, *(self._end() if self._words.finals else ())]

    @property
    def _uncovered(self) -> bool:
        """There was voice that the recogniser has not answered for."""
        return self._vad and (self._voice_end > self._covered + _SMEAR_MS or self._voice_from > self._covered)

    def _started(self, offset_ms: int) -> Told:
        if self._speaking:
            return ()
        self._speaking = True
        self._wait = self._audio_over = None
        if offset_ms > self._words.end_ms:
            self._vendor_final, self._vendor_over = False, None
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
        self._wait = None
        self._voice_end = max(self._voice_end, offset_ms)
        if not self._told_started:
            return self._decide()
        self._told_started = False
        return [SpeechStopped(offset_ms), *self._decide()]

    def _spoken(self, start_ms: int) -> Told:
        """Words came. They are speech even when no edge told of it: the voice was too soft, or there is no VAD."""
        self._vendor_final, self._vendor_over = False, None
        if self._told_started or (self._vad and self._words.end_ms <= self._voice_end + _NEAR_MS):
            return ()
        self._told_started = True
        return [SpeechStarted(max(start_ms, 0))]

    def _decide(self) -> Told:
        if self._undecided:
            return ()
        wait = self._judged()
        told: list[SpeechEvent | Flush] = []
        if not self._speaking and self._expected and self._silence >= wait.flush_ms:
            told += self._flush()
        if self._words.finals and self._is_over(wait):
            return [*told, *self._end()]
        if self.pending and not self._going_on and self._eager.due(wait, self._silence):
            self._eager.tell(self._words.text)
            told.append(self._ended(TurnKind.EAGER, wait.over, self._words.end_ms))
        return told

    @property
    def _undecided(self) -> bool:
        """The caller speaks, and has not for very long: there is nothing to judge, which is what costs."""
        if not self._speaking or self._vendor_final or self._let_go_ms is not None:
            return False
        return not self._is_too_long and self._patience - self._words.end_ms < NOISE_MS

    @property
    def _is_too_long(self) -> bool:
        """Nobody waits for the end of so much."""
        finals = self._words.finals
        return bool(finals) and (self._now - finals[0].start_ms >= LONGEST_TURN_MS or self._words.size >= MOST_CHARS)

    def _is_over(self, wait: Wait) -> bool:
        if self._let_go_ms is not None and self._words.interim is None and self._answered:
            return True
        if self._is_too_long:
            self.long_turns += 1
            return True
        if wait.ms is None or self._now < self._more_until_ms:
            return False
        if not self._held:
            return self._silence >= wait.ms
        if not self._speaking and not (self._flushed and self._answered):
            if self._catching_up and self._words.interim is None and not self._behind:  # nobody spoke in the meantime
                return self._silence >= wait.ms and self._patience - self._began_ms >= LATE_WORDS_MS
            if self._owed:
                return self._patience - max(self._words.end_ms, self._voice_end) >= max(wait.ms, DEAF_MS)
        grace = NOISE_MS if self._speaking else LATE_WORDS_MS
        return self._patience - self._words.end_ms >= max(wait.ms, self._quiet.max_ms) + grace

    def _judged(self) -> Wait:
        if self._wait is None:
            self._wait = self._policy(self._quiet)
        return self._wait

    @property
    def _quiet(self) -> Quiet:
        return Quiet(
            wish=self._wish,
            text=self._words.sentence,
            pauses=self.pauses,
            language=self._language,
            behind=self._behind,
            vendor_final=self._vendor_final,
            vendor_over=self._vendor_over,
            audio_over=self._audio_over,
        )

    @property
    def _behind(self) -> bool:
        """Voice came after the last word that is known."""
        return self._vad and self._voice_end > max(self._words.end_ms, self._covered) + _NEAR_MS

    @property
    def _going_on(self) -> bool:
        return self._resumed if self._vendor_final else self._speaking or self._behind

    def _overtaken(self) -> Told:
        """The words are no longer those of the eager end."""
        if not self._eager.overtaken(self._words.text):
            return ()
        return [self._ended(TurnKind.RESUMED, 0.0, self._words.end_ms)]

    @property
    def _silence(self) -> int:
        """Audio since the last word, or since the last sound as long as the recogniser has not decided."""
        if self._vendor_final or not self._vad:
            return self._now - self._words.end_ms
        return self._now - max(self._words.end_ms, self._voice_end)

    @property
    def _held(self) -> bool:
        """Something speaks against the end: new voice after the last word, or words still on their way."""
        if self._vendor_final:
            return self._resumed
        return self._speaking or self._expected

    @property
    def _expected(self) -> bool:
        """The recogniser has words to tell, or to take back."""
        return self._words.interim is not None or self._uncovered or self._catching_up

    @property
    def _owed(self) -> bool:
        """What the recogniser does not answer for was more than a cough."""
        behind_ms = self._voice_end - max(self._words.end_ms, self._covered)
        return self._words.interim is not None or self._catching_up or behind_ms > _SMEAR_MS

    @property
    def _resumed(self) -> bool:
        """A voice began after the last word, and the recogniser has not answered for all of it."""
        return self._voice_from > self._words.end_ms and (self._speaking or self._voice_end > self._covered)

    def _flush(self) -> Told:
        if self._flushed:
            return ()
        self._flushed, self._answered = True, False
        return [Flush.FLUSH]

    def _end(self) -> Told:
        told: list[SpeechEvent | Flush] = []
        self._words.take_back()
        told += self._overtaken()
        speech_end = self._words.finals[-1].end_ms
        if self._told_started and not self._resumed:
            self._told_started = False
            told.append(SpeechStopped(speech_end))
        self._ended_ms = speech_end
        told.append(self._ended(TurnKind.CONFIRMED, 1.0, speech_end))
        self._words.close(sure=self._let_go_ms is not None)
        self._eager.over()
        self._vendor_final, self._vendor_over = False, None
        self._let_go_ms = self._wait = None
        return told

    def _ended(self, kind: TurnKind, confidence: float, speech_end: int) -> TurnEnded:
        return TurnEnded(kind, max(self._now, speech_end), confidence, self._words.text, speech_end, self.pauses)
