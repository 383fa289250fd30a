"""One leg of one call: its body, the line to the mind, who looks on, and what passes between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from parley import telemetry
from parley.aio import TaskSet, background
from parley.audio.wire import to_wire
from parley.errors import NotFound, ParleyError, Superseded
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.leg.body import Body, MakeBody, Reports
from services.gateway.leg.call_end import CallEnd
from services.gateway.leg.line import GOODBYE_S, Line
from services.gateway.leg.spoken_body import SpokenBody
from services.gateway.leg.typed_body import TypedBody
from services.gateway.metrics import DROPPED_COMMANDS
from services.gateway.mouth.clock import now_ms
from services.gateway.organs import Organs
from services.gateway.till.early import Early
from services.gateway.till.till import Till
from services.gateway.watch.floor import Floor
from services.gateway.watch.subtitles import Subtitles
from services.gateway.watch.watcher import TurnBy, Watcher

log = structlog.get_logger()

CallEvent = conversation_pb2.CallEvent
CallCommand = conversation_pb2.CallCommand
LegKind = conversation_pb2.Leg
Ending = tuple["conversation_pb2.Leg.Kind.ValueType", str]

_CHANNELS = {
    "phone": conversation_pb2.CHANNEL_PHONE,
    "browser": conversation_pb2.CHANNEL_BROWSER,
    "chat": conversation_pb2.CHANNEL_CHAT,
}
_DIRECTIONS = {"inbound": call_pb2.DIRECTION_INBOUND, "outbound": call_pb2.DIRECTION_OUTBOUND}
_SHOWN = ("due", "show")
"""Commands for those who look on."""


def body_of(call: Call, wire: Wire, organs: Organs, reports: Reports) -> Body:
    """Ears and a voice where there is sound, else text."""
    if call.format is None:
        return TypedBody(call, wire, organs, reports)
    return SpokenBody(call, wire, organs, reports, call.format)


class Leg:
    """Made when the far end has proven who it is; `run` lasts as long as the far end does."""

    def __init__(self, call: Call, wire: Wire, organs: Organs, make_body: MakeBody = body_of) -> None:
        self.call = call
        self._wire = wire
        page = None if call.channel == "phone" else wire
        timeline = organs.timelines.of(call.call_id)
        timeline.watched(page)
        self._line = Line(organs.orchestrator, call.leg, self._opening, self._take, self._leg_ms, timeline.mind)
        self._floor = Floor(call.call_id, page)
        subtitles = [Subtitles(page)] if page is not None else []
        self._watchers: tuple[Watcher, ...] = (timeline, *subtitles, self._floor)
        self.body = make_body(call, wire, organs, self)
        self._till = Till(lambda token, kind, digits: organs.keeping.keep(call.call_id, token, kind, digits))
        self._early = Early()
        self._farewell = CallEnd(call, wire, organs.carriers, organs.over)
        self._tasks = TaskSet(self._broke)
        self._first_audio = 0.0
        self._ending: Ending | None = None
        self._agent_version = ""  # that an owner of this leg has told

    # From the far end

    def audio(self, frame: bytes) -> None:
        """One frame of the caller's sound."""
        if not self._first_audio:
            self._first_audio = time.monotonic()
        self.body.audio(frame, now_ms())

    def returned(self, mark: str) -> bool:
        """A mark came back. False when it was never sent."""
        known = self.body.returned(mark)
        self._moved()
        return known

    def dtmf(self, digit: str) -> None:
        self.tell(CallEvent(dtmf=conversation_pb2.Dtmf(digit=digit)))

    def button(self, pressed: bool) -> None:
        """Push-to-talk: pressed, or let go."""
        self.body.button(pressed)

    def push_to_talk(self, on: bool) -> None:
        """From now on the button alone says when the caller speaks; or, again, his voice does."""
        self.body.push_to_talk(on)

    def typed(self, text: str) -> None:
        """A whole turn, written."""
        self.body.typed()
        self.turn_began(now_ms(), "text")
        self.tell(CallEvent(typed=conversation_pb2.Typed(text=text)))

    # Life

    @property
    def quiet(self) -> bool:
        """Nobody speaks nor is about to: a good moment to move the call to another gateway."""
        return self._floor.quiet and not (self.body.mouth.waiting or self.body.hearing)

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
        known = {"call_id": self.call.call_id, "leg": self.call.leg, "channel": self.call.channel}
        with telemetry.span("leg", telemetry.trace_of(self.call.call_id), **known):
            async with background(self._converse()) as (line,):
                try:
                    async with background(self.body.run()):
                        ending = await listen(self)
                finally:
                    for watcher in self._watchers:
                        watcher.over()
                    await self.body.close()
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

    # From the body

    def tell(self, event: CallEvent) -> None:
        """All events of this leg pass here: first to the mind, then to those who look on. None of them sees a card."""
        if self._early.holds(event):
            return
        self._till.hide(event)
        self._line.post(event)
        for watcher in self._watchers:
            watcher.event(event)
        self._moved()

    def turn_began(self, speech_end: float, by: TurnBy) -> None:
        """The caller is done since `speech_end` (ms): the bot is at turn."""
        for watcher in self._watchers:
            watcher.turn_began(speech_end, by)
        self._moved()

    def _moved(self) -> None:
        for watcher in self._watchers:
            watcher.moved(self.body.mouth)

    # From the mind

    def _take(self, command: CallCommand) -> None:
        """All commands pass here: those who look on see the body as it is before it obeys, and as it is after."""
        self._till.command(command)
        for watcher in self._watchers:
            watcher.command(command)
        kind = command.WhichOneof("command")
        if kind == "session":
            self._agent_version = command.session.agent_version
            for event in self._early.known():
                self.tell(event)
        if kind == "hang_up":
            self._tasks.spawn(self._farewell.hang_up(command.hang_up))
        elif kind == "transfer":
            self._tasks.spawn(self._farewell.transfer(command.transfer, self.tell))
        elif kind not in _SHOWN and not self.body.take(command):
            DROPPED_COMMANDS.labels("not for this body").inc()
        self._moved()

    def _opening(self, turn: int) -> conversation_pb2.Open:
        call = self.call
        opening = conversation_pb2.Open(
            call_id=call.call_id,
            channel=_CHANNELS[call.channel],
            agent=call.agent,
            caller=call.caller,
            called=call.called,
            mouth=self.body.state(turn),
            parameters=call.parameters,
            direction=_DIRECTIONS[call.direction],
            purpose=call.purpose,
            agent_version=self._agent_version,
        )
        if call.format is not None:
            opening.format.CopyFrom(to_wire(call.format))
        return opening

    def _leg_ms(self) -> int:
        return int((time.monotonic() - self._first_audio) * 1000) if self._first_audio else 0

    def _broke(self, error: BaseException) -> None:
        log.error("a leg's task broke", call_id=self.call.call_id, exc_info=error)
