"""One leg of one call: ears, mouth and line under one roof, and what passes between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from opentelemetry import trace

from parley import telemetry
from parley.aio import TaskSet, background
from parley.audio_wire import to_wire
from parley.errors import NotFound, ParleyError, Superseded
from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from services.gateway.call import Call, Wire
from services.gateway.doors.flood import Flood
from services.gateway.ears.ears import Ears
from services.gateway.leg.button import Button
from services.gateway.leg.farewell import Farewell
from services.gateway.leg.line import GOODBYE_S, Line
from services.gateway.metrics import DROPPED_COMMANDS, STOP_TO_CLEAR
from services.gateway.mouth.chat_mouth import ChatMouth
from services.gateway.mouth.clock import now_ms
from services.gateway.mouth.mouth import Mouth
from services.gateway.mouth.outlet import Outlet
from services.gateway.mouth.steady import Steady
from services.gateway.organs import Organs
from services.gateway.reflex.barge_in import BargeIn
from services.gateway.reflex.echo import Echo
from services.gateway.watch.subtitles import Subtitles
from services.gateway.watch.waterfall import TurnBy

log = structlog.get_logger()
_tracer = trace.get_tracer("parley")

CallEvent = conversation_pb2.CallEvent
CallCommand = conversation_pb2.CallCommand
LegKind = conversation_pb2.Leg
JUST_MS, LONG_MS = 300.0, 1_500.0
"""After the bot's words: nobody answers sooner than the one, and who has not after the other is not about to."""
Ending = tuple["conversation_pb2.Leg.Kind.ValueType", str]

_CHANNELS = {
    "phone": conversation_pb2.CHANNEL_PHONE,
    "browser": conversation_pb2.CHANNEL_BROWSER,
    "chat": conversation_pb2.CHANNEL_CHAT,
}
_DIRECTIONS = {"inbound": call_pb2.DIRECTION_INBOUND, "outbound": call_pb2.DIRECTION_OUTBOUND}


class Leg:
    """Made when the far end has proven who it is; `run` lasts as long as the far end does."""

    def __init__(self, call: Call, wire: Wire, organs: Organs) -> None:
        self.call = call
        self._wire = wire
        self._organs = organs
        self._first_audio = 0.0
        self._timeline = organs.timelines.of(call.call_id)
        self._timeline.watched(None if call.channel == "phone" else wire.tell)
        mind = self._timeline.mind
        self._line = Line(organs.orchestrator, call.leg, self._opening, self._take, self._leg_ms, mind)
        self._ears: Ears | None = None
        self._barge_in: BargeIn | None = None
        self._flood = Flood(call.format.bytes_per_ms, wire) if call.format is not None else None
        self._mouth: Mouth | ChatMouth
        self._steady: Steady | None = None
        if call.format is None:
            self._mouth = ChatMouth(wire, self._tell)
        else:
            sound, echo = call.format, Echo()
            ears = self._ears = Ears(sound, organs.stt, call.call_id, self._tell)
            outlet = Outlet(wire, sound, echo)
            ways = organs.tts, organs.clock, organs.rehearsal
            self._steady = Steady() if call.channel == "phone" else None
            mouth = self._mouth = Mouth(outlet, sound, *ways, call.call_id, self._tell, self._steady)
            self._barge_in = BargeIn(sound, ears, mouth, echo, organs.clock, self._tell)
        self._button = Button(self._ears)
        self._subtitles = Subtitles(wire, shown=call.channel != "phone")
        self._farewell = Farewell(call, wire, organs.carriers, organs.over)
        self._tasks = TaskSet(self._broke)
        self._sounding = 0
        self._speech_end: float | None = None
        self._due = False
        self._maybe_due = False
        """A turn has ended here, and the mind has not said yet what it makes of it."""
        self._turn: trace.Span = trace.INVALID_SPAN
        self._ending: Ending | None = None
        self._fell_silent = 0.0

    # From the far end

    def audio(self, frame: bytes) -> None:
        """One frame of the caller's sound."""
        now = now_ms()
        if not self._first_audio:
            self._first_audio = time.monotonic()
        if self._steady is not None and self._steady.frame(now) and isinstance(self._mouth, Mouth):
            self._mouth.back(now)
        if self._flood is None or not self._flood.passes(len(frame), now):
            return
        if self._ears is not None and self._barge_in is not None and self._button.hears:
            self._ears.feed(frame)
            self._barge_in.frame(len(frame), now)

    def returned(self, mark: str) -> bool:
        """A mark came back. False when it was never sent."""
        known = self._mouth.returned(mark)
        self._timeline.sounded(*self._mouth.sounded)
        self._subtitles.bot(self._mouth.progress())
        return known

    def dtmf(self, digit: str) -> None:
        self._tell(CallEvent(dtmf=conversation_pb2.Dtmf(digit=digit)))

    def button(self, pressed: bool) -> None:
        """Pressing silences the bot, letting go ends the turn."""
        if self._barge_in is not None:
            self._barge_in.button(pressed)
        self._tell(CallEvent(button=conversation_pb2.Button(pressed=pressed)))
        self._button.moved(pressed, now_ms())

    def push_to_talk(self, on: bool) -> None:
        """From now on the button alone says when the caller speaks; or, again, his voice does."""
        self._button.decide(on)
        self._tell(CallEvent(push_to_talk=conversation_pb2.PushToTalk(on=on)))

    def typed(self, text: str) -> None:
        self._subtitles.caller(text, final=True)
        self._mouth.expect_answer()
        self._turn_begins(now_ms(), "text")
        self._tell(CallEvent(typed=conversation_pb2.Typed(text=text)))

    # Life

    @property
    def quiet(self) -> bool:
        """Nobody speaks nor is about to: a good moment to move the call to another gateway.

        The caller waits for an answer, or has just heard one to its end, or has been silent for long.
        """
        if self._mouth.waiting or (self._ears is not None and self._ears.in_speech):
            return False
        silent = now_ms() - self._fell_silent
        return self._speech_end is not None or silent < JUST_MS or silent > LONG_MS

    def move(self, reason: str) -> None:
        """This process is going away: let the far end come back elsewhere."""
        self._ending = LegKind.KIND_LOST, reason
        self._wire.close(1012, reason)

    async def hang_up(self, reason: str) -> None:
        """Somebody else than the mind ends the call."""
        await self._farewell.hang_up(conversation_pb2.HangUp(reason=reason))

    async def run(self, listen: Callable[[Leg], Awaitable[Ending]]) -> Ending:
        """`listen` reads the far end until it is gone and says how it went. Returns how the leg ended."""
        ending: Ending = LegKind.KIND_LOST, "cancelled"
        with telemetry.span("leg", call_id=self.call.call_id, leg=self.call.leg, channel=self.call.channel):
            async with background(self._converse()) as (line,):
                hearing = [self._ears.run()] if self._ears is not None else []
                try:
                    async with background(*hearing):
                        ending = await listen(self)
                finally:
                    if self._barge_in is not None:
                        self._barge_in.close()
                    self._turn_ends("leg over")
                    await self._mouth.close()
                    await self._tasks.close()
                ending = self._farewell.ending or ending
                ending = self._ending or ending
                self._line.post(CallEvent(leg=conversation_pb2.Leg(kind=ending[0], reason=ending[1])))
                self._line.end()
                await asyncio.wait({line}, timeout=GOODBYE_S)
        log.info("leg over", call_id=self.call.call_id, leg=self.call.leg, reason=ending[1])
        return ending

    async def _converse(self) -> None:
        """The line, and what its end means for the far end."""
        try:
            await self._line.run()
            return
        except Superseded:
            code, reason = 4001, "superseded"
        except NotFound as error:
            code, reason = 4004, "no such call"
            log.warning("the mind knows no such call", call_id=self.call.call_id, error=str(error))
        except ParleyError as error:
            code, reason = 1013, "no orchestrator"
            log.error("leg without a mind", call_id=self.call.call_id, error=str(error), code=error.code)
        if self._ending is None:
            self._ending = LegKind.KIND_LOST, reason
        self._wire.close(code, reason)

    # Between ears, mouth and line

    def _tell(self, event: CallEvent) -> None:
        """All events of this leg pass here, on their way to the mind."""
        kind = event.WhichOneof("event")
        if kind == "speech" and self._barge_in is not None:
            self._barge_in.weigh(event)
        self._timeline.event(event)
        self._line.post(event)
        if kind == "speech":
            self._heard_speech(event.speech)
        elif kind == "utterance_started":
            self._started(event.utterance_started.utterance)
        elif kind == "paused":
            self._show_state()
        elif kind == "resumed":
            # What was heard was no turn: nobody waits for an answer to it.
            self._speech_end, self._maybe_due = None, False
            self._show_state()
        elif kind == "heard":
            self._fell_silent = now_ms()
            self._subtitles.bot_over(event.heard)
            self._show_state()

    def _show_state(self) -> None:
        """Who is at turn, as the page is to show it: what sounds, else what is to come."""
        due = self._due or self._maybe_due
        if not (due or self._mouth.waiting or self._speech_end is None):
            self._turn_ends("unanswered")
        if self._mouth.paused:
            self._subtitles.state("paused")
        elif self._mouth.speaking:
            self._subtitles.state("speaking")
        else:
            self._subtitles.state("thinking" if due or self._mouth.waiting else "listening")

    def _heard_speech(self, speech: stt_pb2.RecognizeEvent) -> None:
        assert self._ears is not None
        assert self._barge_in is not None
        kind = speech.WhichOneof("event")
        if kind == "speech_started":
            self._barge_in.speech_started(speech.speech_started.offset_ms)
        elif kind == "speech_stopped":
            self._barge_in.speech_stopped()
        elif kind == "interim":
            self._subtitles.caller(speech.interim.text, final=False)
        elif kind == "final":
            self._subtitles.caller(speech.final.text, final=True)
        elif speech.turn_ended.kind == stt_pb2.TurnEnded.KIND_EAGER:
            self._mouth.expect_answer()
        elif speech.turn_ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED:
            self._barge_in.speech_stopped()
            ended = speech.turn_ended.speech_end_ms or speech.turn_ended.offset_ms
            by_ears = now_ms() - max(0, self._ears.fed_ms - ended)
            self._turn_begins(self._button.speech_end(by_ears), "button" if self._button.decides else "voice")
            self._mouth.expect_answer()

    def _turn_begins(self, speech_end: float, by: TurnBy) -> None:
        """The bot is at turn: its span lasts to the first audio of an answer, or to the caller's next turn."""
        self._turn_ends("unanswered")
        self._timeline.turn_began(speech_end, by)
        self._speech_end, self._maybe_due = speech_end, True
        self._turn = _tracer.start_span("turn", attributes={"call_id": self.call.call_id})
        self._show_state()

    def _turn_ends(self, how: str) -> None:
        self._speech_end = None
        self._turn.set_attribute("end", how)
        self._turn.end()
        self._turn = trace.INVALID_SPAN

    def _started(self, utterance: int) -> None:
        self._sounding = utterance
        kind, expect = self._mouth.about(utterance)
        if self._speech_end is not None and kind == conversation_pb2.Say.KIND_ANSWER:
            telemetry.TURN_LATENCY.observe(now_ms() - self._speech_end)
            self._turn_ends("first audio")
        if kind != conversation_pb2.Say.KIND_FILLER:
            self._maybe_due = False
        if self._ears is not None:
            self._ears.expect(expect)
        self._show_state()
        self._subtitles.bot(self._mouth.progress())

    # From the mind

    def _take(self, command: CallCommand) -> None:
        kind = command.WhichOneof("command")
        self._timeline.command(command)
        if kind == "say":
            turn = call_pb2.TurnRef(epoch=command.epoch, turn=command.turn)
            if self._mouth.pending(command.say.utterance):
                self._subtitles.said(command.say.utterance, command.say.text)
            if command.say.HasField("due"):
                self._due, self._maybe_due = command.say.due, False
            self._mouth.say(command.say, turn, command.traceparent)
            if self._ears is not None and command.say.utterance == self._sounding and command.say.expect:
                self._ears.expect(command.say.expect)
            self._subtitles.bot(self._mouth.progress())
        elif kind == "stop":
            arrived, sounding = now_ms(), self._mouth.waiting
            self._mouth.stop(command.turn)
            if self._ears is not None and command.stop.expect:
                self._ears.expect(command.stop.expect)
            if self._barge_in is not None:
                self._barge_in.stopped()
            if sounding:
                STOP_TO_CLEAR.observe(now_ms() - arrived)
                self._show_state()
        elif kind == "resume" and self._barge_in is not None:
            self._barge_in.resumed()
        elif kind == "session":
            self._mouth.session(command.session)
            if self._ears is not None:
                self._ears.session(command.session)
        elif kind == "show":
            self._subtitles.show(command.show)
        elif kind == "due":
            self._due, self._maybe_due = command.due.due, False
            self._show_state()
        elif kind == "hang_up":
            self._tasks.spawn(self._farewell.hang_up(command.hang_up))
        elif kind == "transfer":
            self._tasks.spawn(self._farewell.transfer(command.transfer, self._tell))
        else:
            # `resume` without a voice
            DROPPED_COMMANDS.labels("not for this channel").inc()

    def _opening(self, turn: int) -> conversation_pb2.Open:
        call = self.call
        opening = conversation_pb2.Open(
            call_id=call.call_id,
            channel=_CHANNELS[call.channel],
            agent=call.agent,
            caller=call.caller,
            called=call.called,
            mouth=self._mouth.state(turn),
            parameters=call.parameters,
            direction=_DIRECTIONS[call.direction],
            purpose=call.purpose,
        )
        if call.format is not None:
            opening.format.CopyFrom(to_wire(call.format))
        return opening

    def _leg_ms(self) -> int:
        return int((time.monotonic() - self._first_audio) * 1000) if self._first_audio else 0

    def _broke(self, error: BaseException) -> None:
        log.error("a leg's task broke", call_id=self.call.call_id, exc_info=error)
