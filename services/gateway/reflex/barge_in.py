"""Who silences whom: between one leg's ears and its mouth. The reflex decides, this is its nerves."""

from __future__ import annotations

from collections.abc import Callable

from parley import telemetry
from parley.audio import AudioFormat
from parley.v1 import conversation_pb2
from services.gateway.ears.ears import Ears
from services.gateway.ears.level import FRAME_MS
from services.gateway.metrics import ONSET_TO_CLEAR, REFLEX
from services.gateway.mouth.clock import Clock, now_ms
from services.gateway.mouth.mouth import Cause, Mouth, Why
from services.gateway.reflex.echo import Echo
from services.gateway.reflex.onset import Onset
from services.gateway.reflex.reflex import Reflex, Verdict

_NEAR_MS = 250
"""Recognisers place a word no worse than this."""
SOFT_MS = 300.0
"""A voice much softer than the caller's, and without a word by then, is not waited for."""
_SETTLED_MS, _LOOKS = 100, 10
"""How often, and how many times, a pause is checked for having been an echo."""

CallEvent = conversation_pb2.CallEvent
Paused, Resumed = conversation_pb2.Paused, conversation_pb2.Resumed


class BargeIn:
    """Told of every frame, of speech, of the button and of the mind's decisions; pauses and resumes the mouth.

    Reports by `tell`: reflex. What it does with the mouth, the mouth reports.
    """

    def __init__(
        self, sound: AudioFormat, ears: Ears, mouth: Mouth, echo: Echo, clock: Clock, tell: Callable[[CallEvent], None]
    ) -> None:
        self._per_frame = FRAME_MS * sound.bytes_per_ms
        self._ears = ears
        self._mouth = mouth
        self._clock = clock
        self._tell = tell
        self._onset = Onset(echo)
        self._reflex = Reflex()
        self._armed = True
        self._by_button = False
        self._forgiven = 0
        self._worded = self._echoed = False
        self._looks = 0
        self._look_at = 0.0

    # From the caller's side

    def frame(self, size: int, now: float) -> None:
        """The ears have taken one more frame, of `size` bytes."""
        reflex, ears = self._reflex, self._ears
        loud = self._onset.loud(ears.level.now, now, maybe_speech=ears.in_speech or reflex.alarmed)
        if (reflex.frame(loud, now) or (size > 2 * self._per_frame and reflex.frame(loud, now))) and self._may():
            self._alarm(now)
        elif not self._armed and reflex.rearmed(now):
            self._settle()

    def speech_started(self, offset_ms: int) -> None:
        """The ears hear speech, from this moment of the leg on."""
        alarmed, now = self._reflex.alarmed, now_ms()
        silences = self._reflex.speech_started(now)
        if alarmed:
            REFLEX.labels("confirmed").inc()
        self._settle()
        if silences and self._onset.somebody and not self._ears.again(offset_ms) and self._may():
            self._pause(Paused.CAUSE_SPEECH, now)

    def weigh(self, event: CallEvent) -> None:
        """Words are told with where in them somebody sounded, if the bot sounded then."""
        kind = event.speech.WhichOneof("event")
        if kind not in ("interim", "final"):
            return
        said = event.speech.interim if kind == "interim" else event.speech.final
        self._worded = self._worded or bool(said.text)
        leg_ms = self._ears.clock.leg_ms
        newest = leg_ms(self._ears.fed_ms)
        begin, end = (newest - leg_ms(place) for place in (said.start_ms, said.end_ms))
        if not said.end_ms or (own := self._onset.own(begin + _NEAR_MS, end - _NEAR_MS)) is None:
            return
        event.own.SetInParent()
        self._echoed = not any(own)
        if any(own):
            event.own.from_ms, event.own.to_ms = (max(0, newest - int(ago)) for ago in own)

    def speech_stopped(self) -> None:
        self._reflex.speech_stopped(now_ms())

    def button(self, pressed: bool) -> None:
        """Push-to-talk: pressing silences at once, letting go starts the lease."""
        now = now_ms()
        if pressed and self._mouth.interruptible(now):
            self._by_button = True
            self._reflex.speech_started(now)
            self._pause(Paused.CAUSE_BUTTON, now)
        elif not pressed:
            self._reflex.speech_stopped(now)

    # From the mind

    def stopped(self) -> None:
        """A `stop` came: the mouth is silent by decision. One for what was over already leaves a pause as it is."""
        if self._mouth.paused:
            return
        self._by_button = False
        self._onset.right()
        self._reflex.stopped()
        self._settle()

    def resumed(self) -> None:
        """A `resume` came: it was nothing."""
        if self._mouth.paused:
            self._forgive(Resumed.CAUSE_TOLD)

    # From the clock

    def tick(self, now: float) -> None:
        """While paused: is there nothing to wait for any more?"""
        verdict = self._reflex.due(now)
        was_echo = self._mouth.paused and self._was_echo(now)
        if verdict is Verdict.UNCONFIRMED or was_echo:
            REFLEX.labels("unconfirmed").inc()
            telemetry.BARGE_IN_TOTAL.labels("resumed").inc()
            self._resume(Resumed.CAUSE_UNCONFIRMED, false=not was_echo)
        elif (verdict is Verdict.SHORT or self._is_soft(now)) and not self._by_button:
            self._forgive(Resumed.CAUSE_SHORT)
        elif verdict is Verdict.FALSE_ALARM and not self._worded:
            self._onset.mistook(self._forgiven)
            if self._forgiven:
                telemetry.BARGE_IN_TOTAL.labels("forgiven").inc()
            self._forgiven = 0
        elif verdict is Verdict.LEASE:
            telemetry.BARGE_IN_TOTAL.labels("lapsed").inc()
            self._resume(Resumed.CAUSE_LEASE)
        self._settle()
        if not (self._mouth.paused or self._reflex.busy):
            self._clock.remove(self)

    def close(self) -> None:
        self._clock.remove(self)

    # Inside

    def _may(self) -> bool:
        """There is something to silence, and a sound may do it."""
        return not self._ears.button_only and self._mouth.yields(now_ms())

    def _alarm(self, now: float) -> None:
        begun = self._reflex.begun
        self._clock.add(self)
        if self._reflex.alarm(now):
            self._pause(Paused.CAUSE_REFLEX, now)
            ONSET_TO_CLEAR.observe(now_ms() - now + (begun - 1) * FRAME_MS)
            self._ears.hurry()

    def _pause(self, cause: Cause.ValueType, now: float) -> None:
        self._mouth.pause(cause)
        if self._mouth.paused:
            self._worded = self._echoed = False
            self._reflex.paused(now)
            self._looks, self._look_at = 0 if self._by_button else _LOOKS, now
            self._clock.add(self)

    def _resume(self, cause: Why.ValueType, false: bool = True) -> None:
        """`false`: what silenced was nothing, and may come again; an echo that is known now will not silence."""
        now, by_button = now_ms(), self._by_button
        self._by_button = False
        if not by_button and false:
            self._onset.mistook()
        self._reflex.resumed(now, false=false and not by_button)
        self._mouth.resume(cause)
        self._settle()

    def _is_soft(self, now: float) -> bool:
        return self._mouth.paused and not self._worded and self._reflex.paused_for(now) >= SOFT_MS and self._onset.soft

    def _forgive(self, cause: Why.ValueType) -> None:
        """Go on before its words are known, and learn from it only once nobody has said that it was more."""
        if self._by_button or self._echoed:
            self._resume(cause, false=not self._onset.echo_known)
            return
        self._forgiven = self._onset.loudest
        self._reflex.forgiven(now_ms(), worded=self._worded)
        self._mouth.resume(cause)

    def _was_echo(self, now: float) -> bool:
        """The caller's side fell silent with the bot, and what came before was like what was sent."""
        if not self._looks or not self._reflex.quiet or now - self._look_at < _SETTLED_MS:
            return False
        self._looks, self._look_at = self._looks - 1, now
        return self._onset.was_echo()

    def _settle(self) -> None:
        """Report when the reflex was disarmed, or armed again."""
        if self._armed != self._reflex.armed:
            self._armed = self._reflex.armed
            REFLEX.labels("armed" if self._armed else "disarmed").inc()
            self._tell(CallEvent(reflex=conversation_pb2.Reflex(armed=self._armed)))
