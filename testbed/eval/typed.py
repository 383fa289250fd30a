"""A conversation in text, over `Converse`, as the gateway holds one with a page's chat."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from parley.agents.conversations.conversation import Turn
from parley.aio import background
from parley.errors import ParleyError
from parley.rpc import CallStream
from parley.v1 import call_pb2, conversation_pb2, events_pb2
from services.gateway.till.till import Till
from testbed.eval.course import Course, Exchange, Shown
from testbed.eval.values import json_or_text

CallEvent = conversation_pb2.CallEvent
Say = conversation_pb2.Say

ANSWER_S = 700.0
"""An answer that is not whole by then is not waited for: longer than any tool may take. Mostly it is made-up time."""
QUIET_S = 0.4
"""An answer is over when the mind owes nothing and says nothing more for so long."""
KEYS_S = 3.0
"""The mind takes keys for all when no more come for 2 s."""


class Caller(Protocol):
    """What the caller does, in order; awaited once the bot's first words are over."""

    async def __call__(self, call: TypedCall) -> None: ...


class NoAnswer(Exception):
    """The bot owes words and gives none."""


class TypedCall:
    """The caller's side of one. `till`: the gateway's, for agents that take payments."""

    def __init__(self, stream: CallStream, course: Course, till: Till | None = None) -> None:
        self._stream = stream
        self.course = course
        self._till = till
        self._seq = 0
        self._changed = asyncio.Event()
        self._due = False
        self._told = True  # whether the mind has said what is due since the last act
        self._open: dict[int, tuple[int, str, bool]] = {}
        self._last = 0
        self._asked_at = 0.0
        self.over = False
        self.failed = ""
        self.stored: events_pb2.StoredCall | None = None

    async def hold(self, opening: conversation_pb2.Open, caller: Caller) -> None:
        """From the first words on, until the caller has nothing more to say or the call is over."""
        await self._stream.write(CallEvent(open=opening))
        async with background(self._listen()):
            try:
                await self._settled()
                await caller(self)
            except NoAnswer as e:
                self.course.broke = str(e)
            await self._leave()
        if self.failed:
            self.course.broke = self.failed

    async def says(self, text: str) -> None:
        """A line of the caller, until its answer is over. Nothing when the call is over."""
        await self._act(Exchange(caller=text), CallEvent(typed=conversation_pb2.Typed(text=text)))

    async def presses(self, keys: str) -> None:
        events = [CallEvent(dtmf=conversation_pb2.Dtmf(digit=key)) for key in keys]
        await self._act(Exchange(keys=keys), *events, told=True)
        if not self.over and not self.course.exchanges[-1].said:
            await asyncio.sleep(KEYS_S)
            await self._settled()

    async def is_silent(self, seconds: float) -> None:
        if self.over:
            return
        self.course.exchanges.append(Exchange(silent_s=seconds))
        await asyncio.sleep(seconds)
        await self._settled()

    async def _act(self, exchange: Exchange, *events: CallEvent, told: bool = False) -> None:
        if self.over:
            return
        self.course.exchanges.append(exchange)
        self._told, self._asked_at = told, time.perf_counter()
        for event in events:
            await self._tell(event, numbered=True)
        await self._settled()

    async def _settled(self) -> None:
        """Until the bot has said what it has to say, or the call is over. Raises NoAnswer."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while not self.over:
                    if self._told and not self._due and not self._open and not await self._more():
                        return
                    if not self.over and (not self._told or self._due or self._open):
                        await self._news()
        except TimeoutError:
            raise NoAnswer(f"no whole answer within {ANSWER_S:.0f} s") from None

    async def _more(self) -> bool:
        """Whether something comes within QUIET_S."""
        self._changed.clear()
        try:
            async with asyncio.timeout(QUIET_S):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _news(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _leave(self) -> None:
        leg = conversation_pb2.Leg(kind=conversation_pb2.Leg.KIND_ENDED, reason="the caller hung up")
        try:
            await self._stream.write(CallEvent(leg=leg))
            await self._stream.done_writing()
        except ParleyError:
            return  # the stream is over already
        try:
            async with asyncio.timeout(ANSWER_S):
                while not self._ended:
                    await self._news()
        except TimeoutError:
            return

    _ended = False

    async def _listen(self) -> None:
        try:
            async for command in self._stream:
                await self._take(command)
                self._changed.set()
        except ParleyError as e:
            self.failed = f"the call broke off: {e}"
        finally:
            self._ended = self.over = True
            self._changed.set()

    async def _take(self, command: conversation_pb2.CallCommand) -> None:
        exchange = self.course.exchanges[-1]
        if self._till is not None:
            self._till.command(command)
        match command.WhichOneof("command"):
            case "say":
                await self._say(command.say, command.turn, exchange)
            case "stop":
                for utterance in [u for u, (turn, _, _) in self._open.items() if turn <= command.turn]:
                    await self._heard(utterance, cut=True)
            case "due":
                self._due, self._told = command.due.due, True
            case "show":
                exchange.shown.append(Shown(command.show.name, json_or_text(command.show.json)))
            case "state":
                self.stored = events_pb2.StoredCall.FromString(command.state.data)
            case "transfer":
                self.course.outcome, self.course.transferred_to = "transferred", command.transfer.to
                self.over = True
            case "hang_up":
                self.course.outcome = "ended"
                self.over = True

    async def _say(self, say: Say, turn: int, exchange: Exchange) -> None:
        if say.utterance not in self._open:
            if say.utterance <= self._last:
                return
            self._last = say.utterance
            self._open[say.utterance] = turn, "", say.kind == Say.KIND_FILLER
            started = conversation_pb2.UtteranceStarted(utterance=say.utterance, kind=say.kind)
            await self._tell(CallEvent(utterance_started=started))
        of_turn, text, filler = self._open[say.utterance]
        if say.text and not filler and exchange.first_word_ms is None and self._asked_at:
            exchange.first_word_ms = (time.perf_counter() - self._asked_at) * 1000
        self._open[say.utterance] = of_turn, text + say.text, filler
        if say.HasField("due"):
            self._due, self._told = say.due, True
        if say.complete:
            await self._heard(say.utterance, cut=False)

    async def _heard(self, utterance: int, *, cut: bool) -> None:
        _, text, filler = self._open.pop(utterance)
        exchange = self.course.exchanges[-1]
        if text.strip():
            (exchange.fillers if filler else exchange.said).append(text.strip())
        heard = conversation_pb2.Heard(utterance=utterance, chars=len(text), complete=not cut, cut=cut, text=text)
        await self._tell(CallEvent(heard=heard), numbered=True)

    async def _tell(self, event: CallEvent, numbered: bool = False) -> None:
        if numbered:
            self._seq += 1
            event.seq = self._seq
        if self._till is not None:
            self._till.hide(event)
        try:
            await self._stream.write(event)
        except ParleyError:
            return  # the stream is over: reading says why


class Scripted:
    """Says its lines, one after the other."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._turns = [turn for turn in turns if turn.acts]

    async def __call__(self, call: TypedCall) -> None:
        for turn in self._turns:
            if call.over:
                return
            if turn.keys:
                await call.presses(turn.keys)
            elif turn.silent_s:
                await call.is_silent(turn.silent_s)
            else:
                await call.says(turn.caller)


def opening(call_id: str, agent: str, **known: object) -> conversation_pb2.Open:
    return conversation_pb2.Open(
        call_id=call_id,
        epoch=call_pb2.Epoch(leg=1, open=1),
        channel=conversation_pb2.CHANNEL_BROWSER,  # with fillers and silences, as on the telephone
        agent=agent,
        **known,  # type: ignore[arg-type]
    )
