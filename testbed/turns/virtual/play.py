"""A script played in virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from parley.audio import TELEPHONE
from parley.rpc.writer import Writer
from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.call import Call
from services.gateway.leg.leg import Leg
from services.gateway.leg.resend import Resend
from services.gateway.leg.spoken_body import SpokenBody
from services.gateway.organs import Organs
from services.gateway.voice.phrase_cache import PhraseCache
from services.gateway.voice.prefetch import Prefetch
from services.stt.contract import Final, Interim, SpeechEvent, SpeechStarted, SpeechStopped, TurnEnded, TurnKind
from testbed.turns import script as s
from testbed.turns.caller import Caller
from testbed.turns.listener import Listener
from testbed.turns.record import Record
from testbed.turns.script import Script
from testbed.turns.virtual.carrier import Carrier
from testbed.turns.virtual.ears import VirtualEars
from testbed.turns.virtual.mind import Mind
from testbed.turns.virtual.speakerphone import Mishears, SpeakerphoneEar
from testbed.turns.virtual.time import VirtualTime
from testbed.turns.virtual.voices import VirtualVoices
from testbed.vendors.deepgram.ear import Ear
from testbed.vendors.wordcodec import words_of

HOP_MS = 2
"""A message between two services."""
TWICE_MS = 100
LONGEST_S = 100.0
_NAMES = {
    "speech_started": "starts",
    "speech_stopped": "stops",
    "interim": "interims",
    "final": "finals",
    "turn_ended": "ends",
    "heard": "heard",
    "paused": "pauses",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """The ears die `after_ms` after the beginning of a line of the story; `away_ms` later others listen.

    Those that are to die while nobody listens die as soon as they do.

    `stalls_ms`: their recogniser stalls then, and it is so long until that is found out. `slow_ms`: the words of all
    these ears come so late.
    """

    line: int
    after_ms: int
    away_ms: int = 60
    slow_ms: int = 0
    stalls_ms: int = 0


async def play(script: Script, *losses: Loss, mishears: Mishears | None = None) -> Record:
    """One call. Asynchronous because the leg wants a loop; nothing is awaited. `losses`: one after the other."""
    time = VirtualTime()
    with time.in_place():
        return _VirtualCall(time, script, losses, mishears).run()


class _Clock:
    """In place of the gateway's clock."""

    def __init__(self) -> None:
        self.ticking: dict[Any, None] = {}

    def add(self, who: Any) -> None:
        self.ticking[who] = None

    def remove(self, who: Any) -> None:
        self.ticking.pop(who, None)


class _Line:
    """In place of the leg's line to the mind: events are late, lost or told twice as the script says."""

    def __init__(self, time: VirtualTime, script: Script, take: Callable[[conversation_pb2.CallEvent], None]) -> None:
        self._time, self._script, self._take = time, script, take
        self.ledger = Resend(1)
        self.leg_ms: Callable[[], int] = lambda: 0
        self.last = conversation_pb2.CallEvent()

    def post(self, event: conversation_pb2.CallEvent) -> None:
        self.ledger.number(event)
        event.leg_ms = self.leg_ms()
        kind = event.WhichOneof("event")
        if kind == "heard":
            self.last = event
        name = _NAMES.get(str(event.speech.WhichOneof("event") if kind == "speech" else kind), "")
        if name in self._script.lost:
            return
        late = HOP_MS + self._script.late.get(name, 0)
        self._send(event, late)
        if name in self._script.twice:
            self._send(event, late + TWICE_MS)

    def again(self) -> None:
        self._send(self.last, HOP_MS)

    def _send(self, event: conversation_pb2.CallEvent, ms: float) -> None:
        copy = conversation_pb2.CallEvent()
        copy.CopyFrom(event)
        self._time.after(ms, lambda: self._take(copy))

    def end(self) -> None:
        """The call is over."""


class _VirtualCall:
    """Everything of one call, and what a script's caller can do in it: the `World` of `Caller`."""

    def __init__(self, time: VirtualTime, script: Script, losses: Sequence[Loss], mishears: Mishears | None) -> None:
        self._time = time
        self._script = script
        self._losses = deque(losses)
        self._mishears = mishears
        self._slow_ms = max((loss.slow_ms for loss in losses), default=0) + (mishears.late_ms if mishears else 0)
        self._clock = _Clock()
        self._carrier = Carrier(time, script)
        self._mind = Mind(time, script, self._command)
        nobody = cast(Any, None)
        keeping = cast(Any, nobody)
        organs = Organs(nobody, nobody, nobody, cast(Any, self._clock), {}, Prefetch(nobody, PhraseCache(0)), keeping)
        call = Call("virtual", 1, "phone", script.slug, TELEPHONE)
        self._leg = Leg(call, self._carrier, organs)
        self._line = _Line(time, script, self._mind.take)
        self._leg._line = cast(Any, self._line)
        assert isinstance(self._leg.body, SpokenBody)
        self._mouth, self._ears = self._leg.body.mouth, self._leg.body.ears
        self._mouth._voices = cast(Any, VirtualVoices(time, self._mouth._advance))
        self._ears._writer = Writer(nobody)
        self._line.leg_ms = lambda: int(self._ears.fed_ms)
        self._listener = Listener(self._carrier.heard)
        self._answered = time.now
        self._stt = self._new_ears()
        self._carrier.returned = self._leg.returned
        self._caller = Caller(script, self._listener, self, time.now)
        self._ended_by = ""

    def run(self) -> Record:
        self._mind.open()
        self._frame()
        self._time.after(10, self._tick)
        over = self._time.run(self._over, LONGEST_S)
        return Record(
            script=self._script,
            answered=self._answered,
            played=self._caller.played,
            words=self._listener.words,
            runs=self._listener.runs,
            fine=self._listener.fine,
            clears=self._carrier.heard.clears,
            asked=self._mind.asked,
            tools=self._mind.tools,
            ended_by=self._ended_by,
            ended_at=self._time.now,
            failure=self._caller.failure or ("" if over else f"not over after {LONGEST_S:.0f} s"),
        )

    def _over(self) -> bool:
        return self._caller.over or bool(self._caller.failure) or bool(self._ended_by)

    def _later(self, do: Callable[[], None]) -> None:
        self._time.after(HOP_MS, do)

    # What happens every 20 ms

    def _frame(self) -> None:
        frame = self._caller.tick(self._time.now)
        self._carrier.up.carry(lambda: self._hear(frame))
        self._time.after(20, self._frame)

    def _new_ears(self) -> VirtualEars:
        def tell(event: stt_pb2.RecognizeEvent) -> None:
            self._later(lambda: None if ears.dead else self._ears._heard(event))

        ears = VirtualEars(self._time, tell, self._slow_ms, self._ear())
        return ears

    def _ear(self) -> Ear:
        echo, mishears = self._script.echo, self._mishears
        if echo is None or mishears is None:
            return Ear("mulaw", 8000)
        lines = (line.what for line in self._script.story)
        own = frozenset(word for what in lines if isinstance(what, s.Words) for word in words_of(what.text))

        def speaks(at: float) -> bool:
            return any(p.voiced <= at <= p.silent for p in self._caller.played if isinstance(p.line.what, s.Words))

        return SpeakerphoneEar(mishears, self._listener, echo.after_ms, self._answered, own, speaks)

    def _lose_ears(self) -> None:
        """As `Ears.run` does it: nothing is queued without a stream, the next hears what is not final."""
        played = self._caller.played
        if not self._losses or self._stt.dead or self._stt.mute or len(played) <= self._losses[0].line:
            return
        loss = self._losses[0]
        if self._time.now >= played[loss.line].begun + loss.after_ms / 1000:
            self._losses.popleft()
            self._stt.mute = True
            self._time.after(loss.stalls_ms, lambda: self._die(loss.away_ms))

    def _die(self, away_ms: int) -> None:
        self._stt.dead = True
        self._ears._writer = None
        for event in self._ears._report.lost():
            self._ears._heard(event)
        self._time.after(away_ms, self._listen_elsewhere)

    def _listen_elsewhere(self) -> None:
        self._ears._writer = Writer(cast(Any, None))
        self._stt = self._new_ears()
        for request in self._ears._opening():
            self._request(request)

    def _hear(self, frame: bytes) -> None:
        self._lose_ears()
        self._leg.audio(frame)
        for request in self._ears._writer.take() if self._ears._writer is not None else ():
            self._request(request)

    def _request(self, request: stt_pb2.RecognizeRequest) -> None:
        wish, stt = stt_pb2.Endpointing(), self._stt
        wish.CopyFrom(self._ears._endpointing)
        self._later(lambda: stt.take(request, wish))

    def _tick(self) -> None:
        for who in tuple(self._clock.ticking):
            who.tick(self._time.now * 1000)
        if self._mind.hung_up and not self._mouth.waiting:
            self._ended_by = "bot"
        self._time.after(20, self._tick)

    def _command(self, command: conversation_pb2.CallCommand) -> None:
        if command.WhichOneof("command") != "hang_up":
            self._later(lambda: self._obey(command))

    def _obey(self, command: conversation_pb2.CallCommand) -> None:
        if not (dropped := self._line.ledger.take(command)):
            self._leg._take(command)
        elif dropped == "lower epoch":
            raise AssertionError(f"a command of no owner: {command}")

    # What the caller can do

    def do(self, what: s.What) -> None:
        match what:
            case s.Keys():
                for digit in what.digits:
                    self._carrier.up.carry(partial(self._leg.dtmf, digit))
            case s.HangUp():
                self._ended_by = "caller"
            case s.Ears():
                said = [" ".join(turn) for turn in self._said()]
                long_ago = bool(what.text) and any(what.text in turn for turn in said)
                at_ms = self._ears._report.final_until_ms if long_ago else self._ears.fed_ms
                self._stt.report(_reported(what, at_ms), by_vendor=long_ago)
            case s.Mouth():
                self._line.again()

    def _said(self) -> list[list[str]]:
        """The words of each line that the caller has said."""
        return [words_of(p.line.what.text) for p in self._caller.played if isinstance(p.line.what, s.Words)]

    def tool_began(self, name: str, since: float) -> float | None:
        return next((at for tool, at in self._mind.tools if tool == name and at >= since), None)

    def busy(self) -> bool:
        return bool(self._mind.working) or self._mind.thinking


def _reported(what: s.Ears, at_ms: int) -> SpeechEvent:
    """Something that the ears say without having heard it."""
    began_ms = max(0, at_ms - 300)
    match what.kind:
        case "start":
            return SpeechStarted(at_ms)
        case "stop":
            return SpeechStopped(at_ms)
        case "interim":
            return Interim(what.text, began_ms, at_ms)
        case "final":
            return Final(what.text, began_ms, at_ms, 1.0)
    return TurnEnded(TurnKind.CONFIRMED, at_ms, 1.0, what.text, at_ms)
