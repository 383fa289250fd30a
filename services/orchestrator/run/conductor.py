"""The only loop: an event goes through `step`, its effects are carried out, their results come back as events.

One conductor per call and owner. It is fed synchronously (`feed`), so that nothing waits between an event and the
command that answers it; storing comes after, in the next pass of the loop, or once the model was asked.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Sequence

import structlog

from parley import telemetry
from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.errors import Superseded
from parley.process.heartbeat import HEART
from parley.v1 import call_pb2, conversation_pb2, events_pb2, tools_pb2
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Shown
from services.orchestrator.mind.asked_cards import asked_before
from services.orchestrator.mind.bot.specialists import current
from services.orchestrator.mind.bot.unanswered import due
from services.orchestrator.mind.history import question_of
from services.orchestrator.mind.owner.takeover import at_rest
from services.orchestrator.mind.state import Call, Epoch
from services.orchestrator.mind.turn import step
from services.orchestrator.own.journal import Journal
from services.orchestrator.run import prompt
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.means import Means
from services.orchestrator.run.metrics import DROPPED, count_effect, count_requests
from services.orchestrator.run.organs import UNKNOWN, insist_on_settling
from services.orchestrator.run.roster import Listed
from services.orchestrator.run.rounds import Rounds
from services.orchestrator.run.timers import Timers
from services.orchestrator.wire import messages as wire

log = structlog.get_logger()

MAX_BROKEN = 10  # events in a row that break the logic: then the call is ended
STORE_AFTER_S = 0.002  # by then the model was asked
STOOD_STILL_S, LISTEN_S = 1.0, 0.3
"""Behind so long a standstill (a gateway leaves an owner who is silent for 2 s) it is heard for a moment whether the
gateway is still there. What waited meanwhile would else be acted on as if nothing had happened, beside a new owner."""
MAX_COMMANDS = 1000  # for a gateway that does not read; over it the stream is given up and opened anew


class Conductor:
    """Runs one call as one owner. `commands` is what the gateway is to be told."""

    def __init__(
        self,
        means: Means,
        agent: Agent,
        tools: Sequence[tools_pb2.ToolInfo],
        epoch: Epoch,
        last: events_pb2.StoredCall | None = None,
        *,
        anew: bool = False,
    ) -> None:
        self.means = means
        self.agent = agent
        self.epoch = epoch
        self.call: Call | None = None
        self.commands: asyncio.Queue[conversation_pb2.CallCommand | None] = asyncio.Queue(MAX_COMMANDS)
        self.ended = asyncio.Event()
        self.superseded = False
        self.left = False
        self.problem = ""  # with the last edit of the agent, for whoever works on it
        self.knows_tools = True  # the agent's; else `learn_tools`
        self.listening = False  # after a standstill: is the gateway still there?
        self._leaving = False
        self._broken = 0  # events in a row that broke the logic
        self._inbox: deque[events.Event] = deque()
        self._feeding = False
        self._timers = Timers(self._fire)
        self._tasks = TaskSet(self._task_failed)
        self._rounds = Rounds(
            means.organs, agent, means.engine, prompt.tool_specs(agent, tools), self._tasks, self._current, self.feed
        )
        self._traceparent = ""
        self._due = False  # as the gateway was told
        self._boundary: effects.Store | None = None
        self._asking = False  # a round began since the last boundary
        self.paper = Journal(means, epoch, last, self._send, self._on_superseded, anew=anew)

    def feed(self, event: events.Event) -> None:
        """Take one event through `step`. An event caused while another is handled waits its turn."""
        self._inbox.append(event)
        if self._feeding or self.listening:
            return
        still_s = HEART.awake_since(STOOD_STILL_S) + LISTEN_S - time.monotonic()
        if self.call is not None and still_s > 0:
            self.listening = True
            asyncio.get_running_loop().call_later(still_s, self._heed)
            return
        self._take_all()

    def _heed(self) -> None:
        """The process stood still, and the gateway is still there."""
        self.listening = False
        self._take_all()

    def _take_all(self) -> None:
        self._feeding = True
        try:
            while self._inbox and not (self.superseded or self.left):
                self._take(self._inbox.popleft())
        finally:
            self._feeding = False
        if self._leaving:
            self.leave()

    def leave(self) -> None:
        """Give the call to another replica at its next quiet moment: the newest state first, then the stream ends."""
        self._leaving = True
        if self.call is None or self.superseded or self.left or not at_rest(self.call):
            return
        self._boundary = effects.Store()
        self._store()
        self._give_away()

    def _give_away(self) -> None:
        self.left = True
        self._timers.stop()
        if self.commands.full():
            self.end_stream()
        else:
            self.commands.put_nowait(None)
        self.ended.set()

    def _take(self, event: events.Event) -> None:
        before = self.call
        try:
            self.call, outcome = step(self.call, event)
            self._broken = 0
        except Exception as e:
            if self.call is None or isinstance(event, events.TakenOver):
                raise  # without it there is no call
            event = self._dropped(event, e)
            self.call, outcome = step(self.call, event)
        count_requests(before, self.call)
        self.means.figures.note(self.call, event)
        if self.means.live.watched:
            self.means.live.taken(self.call, self.agent, event)
        if isinstance(event, events.TakenOver) and event.new_leg:
            self._publish_cancel(call_pb2.Epoch(leg=self.epoch.leg))
        self.paper.note(event)
        for effect in outcome:
            self._do(effect)
        if self.call.channel != "phone":
            self._tell_due(self.call, event)
        if self.paper.full:
            self._do(effects.Store())

    def _tell_due(self, call: Call, event: events.Event) -> None:
        """For the page, which shows who is at turn; a gateway that has a turn's end waits for what is made of it."""
        now = due(call)
        if now != self._due or isinstance(event, events.TurnEnded | events.Typed | events.TakenOver):
            self._due = now
            self._send(conversation_pb2.CallCommand(turn=call.turn, due=conversation_pb2.Due(due=now)))

    def _dropped(self, event: events.Event, error: Exception) -> events.Dropped:
        """An event that breaks the logic is left out, here and by every owner to come: the call goes on without it."""
        kind, frame = type(event).__name__, traceback.extract_tb(error.__traceback__)[-1]
        where, what = f"{frame.filename}:{frame.lineno}", type(error).__name__  # its text may be what somebody said
        log.error("an event is left out, it breaks the logic", call_id=self._id, event_kind=kind, error=what, at=where)
        DROPPED.labels(kind).inc()
        self._broken += 1
        if self._broken == MAX_BROKEN:
            self._send(conversation_pb2.CallCommand(hang_up=conversation_pb2.HangUp(reason="nothing works")))
        return events.Dropped(at_ms=event.at_ms, seq=event.seq, kind=kind)

    def settle(self) -> None:
        """Ask the ledger until it answers: it could not be asked when the call was taken over."""
        self._tasks.spawn(self._settle())

    async def _settle(self) -> None:
        try:
            settled = await insist_on_settling(self.means.organs, self._id, self.epoch)
        except Superseded:
            self._on_superseded()
        else:
            self.feed(events.Settled(at_ms=now_ms(), settled=settled))

    def learn_tools(self, listing: asyncio.Task[Listed]) -> None:
        """The agent's tools are not known yet: the call has them as soon as they are."""
        self._rounds.learning = self._tasks.spawn(self._learn_tools(listing))

    async def _learn_tools(self, listing: asyncio.Task[Listed]) -> None:
        listed = await asyncio.shield(listing)
        self.agent = self._rounds.agent = listed.of(self.agent)
        self._rounds.tools = prompt.tool_specs(self.agent, listed.tools)
        marked = wire.Marked.of(listed.tools)
        self.feed(
            events.ToolsKnown(
                at_ms=now_ms(),
                agent_version=self.agent.version,
                effect_tools=marked.effects,
                slow_tools=marked.slow,
                levels=marked.levels,
            )
        )

    def _current(self) -> Call:
        assert self.call is not None
        return self.call

    def begin_span(self, traceparent: str) -> None:
        self._traceparent = traceparent

    def _do(self, effect: effects.Effect) -> None:
        command = wire.command_of(effect)
        if command is not None:
            if not command.turn and self.call is not None:
                command.turn = self.call.turn
            if isinstance(effect, effects.Say) and self.call is not None and self.call.channel != "phone":
                self._due = command.say.due = due(self.call)
            self._rounds.first_token.tell(command)
            self._send(command)
        count_effect(effect)
        self.paper.decided(effect, command, self._current().turn)
        match effect:
            case effects.HandOver():
                self._handed_over(effect)
            case effects.Transfer():
                self.means.figures.handed_on(self._current())
            case effects.StartTimer():
                self._timers.start(effect.id, effect.at_ms)
            case effects.CancelTimer():
                self._timers.cancel(effect.id)
            case effects.Think():
                self._asking = True
                self._rounds.begin(effect, self._traceparent)
            case effects.CloseThink():
                self._rounds.close(effect.turn)
            case effects.SpeculationOver():
                self._speculation_over(effect)
            case effects.Retrieve():
                self._tasks.spawn(self._retrieve(effect.query))
            case effects.Execute():
                self._tasks.spawn(self._execute(effect))
            case effects.Stop():
                self._publish_cancel(call_pb2.Epoch(leg=self.epoch.leg, open=self.epoch.open), effect.turn)
            case effects.Store():
                self._store_soon(effect)

    def _send(self, command: conversation_pb2.CallCommand) -> None:
        """Queue a command with our epoch and the acknowledgements. A gateway that does not read loses its stream."""
        command.epoch.leg, command.epoch.open = self.epoch
        if self.call is not None:
            command.seen_seq = self.call.seen_seq
        command.ack_seq = self.paper.acked
        command.traceparent = self._traceparent
        try:
            self.commands.put_nowait(command)
        except asyncio.QueueFull:
            log.error("the gateway does not read its commands", call_id=self._id)
            self.end_stream()

    def end_stream(self) -> None:
        """Close the stream to the gateway from our side."""
        while not self.commands.empty():
            self.commands.get_nowait()
        self.commands.put_nowait(None)

    @property
    def _id(self) -> str:
        return self.call.call_id if self.call is not None else ""

    def _fire(self, name: str) -> None:
        if name == "unheard":
            log.error("the gateway never told what was heard", call_id=self._id)
        self.feed(events.TimerFired(at_ms=now_ms(), id=name))

    def _handed_over(self, handed: effects.HandOver) -> None:
        """Another voice before its words, if it has one of its own."""
        log.info("call handed over", call_id=self._id, giver=handed.giver, to=handed.to)
        if self.call is not None and any(each.voice is not None for each in self.agent.specialists.values()):
            self.send_session(self.call.language, self.call.channel, current(self.call))

    def send_session(self, language: str, channel: str, specialist: str) -> None:
        """How to listen and sound for who has the call."""
        asked = asked_before(self.call) if self.call is not None else ""
        session = wire.session_of(self.agent, language, specialist, channel, asked)
        session.problem = self.problem
        self._send(conversation_pb2.CallCommand(session=session))

    def _speculation_over(self, effect: effects.SpeculationOver) -> None:
        if effect.outcome == "confirmed":
            self._rounds.confirmed(effect.turn, effect.tries)
        else:
            self._rounds.close_try(effect.turn, effect.tries)

    async def _retrieve(self, query: str) -> None:
        assert self.call is not None
        limit, question = self.agent.knowledge.limit, question_of(self.call, query)
        passages = await self.means.organs.search(self.call, question, limit, self._traceparent)
        self.feed(events.Retrieved(at_ms=now_ms(), query=query, passages=passages))

    async def _execute(self, effect: effects.Execute) -> None:
        assert self.call is not None

        def told(news: str | Shown) -> None:
            self.feed(wire.news_of(effect.intent, news, now_ms()))

        with telemetry.span("tool", self._traceparent, tool=effect.name, intent=effect.intent):
            try:
                outcome = await self.means.organs.execute(self.call, effect, telemetry.traceparent(), told)
            except Superseded:
                self._on_superseded()
                return
            except Exception as e:  # the tool must end: the caller waits
                log.error("a tool call broke", call_id=self._id, tool=effect.name, exc_info=e)
                outcome = UNKNOWN
        self.feed(events.ToolEnded(at_ms=now_ms(), intent=effect.intent, outcome=outcome, name=effect.name))

    def _publish_cancel(self, epoch: call_pb2.Epoch, turn: int = 0) -> None:
        """For streams that nobody is there to close: those of this turn and below, or of the legs before this one."""
        cancel = events_pb2.CancelTurn(call_id=self._id, turn=call_pb2.TurnRef(epoch=epoch, turn=turn), at_ms=now_ms())
        self._tasks.spawn(
            self.means.bus.publish(f"call.{self._id}.cancel", cancel.SerializeToString(), self._traceparent)
        )

    def _store_soon(self, boundary: effects.Store) -> None:
        """Store in the loop's next pass, once however many boundaries this pass has: words go before paper."""
        if self._boundary is None and not boundary.first:
            asyncio.get_running_loop().call_soon(self._store_after_words)
        if self._boundary is None or boundary.ended:
            self._boundary = boundary
        if boundary.first:
            self._store()

    def _store_after_words(self) -> None:
        """A round that began in this pass is on its way to the model: it would wait while the state is written down."""
        if self._asking and not (self._boundary is not None and self._boundary.ended):
            asyncio.get_running_loop().call_later(STORE_AFTER_S, self._store)
        else:
            self._store()
        self._asking = False

    def _store(self) -> None:
        boundary, self._boundary = self._boundary, None
        if self.call is None or boundary is None or self.superseded or self.left:
            return
        self.paper.boundary(self.call, ended=boundary.ended)
        if boundary.ended:
            self._finish()

    def touch(self, after_s: float) -> None:
        """Write the state again if that was not done for so long: it shows that the call has an owner."""
        if not (self.superseded or self.left or self.ended.is_set()):
            self.paper.touch(after_s)

    def _on_superseded(self, swept: bool = False) -> None:
        if swept and not self.superseded:  # the call was taken for an orphan: its gateway opens it anew, above that
            log.warning("a live call was taken for an orphan", call_id=self._id)
            self._give_away()
            return
        log.warning("a newer owner has the call", call_id=self._id, leg=self.epoch.leg, open=self.epoch.open)
        self.halt()

    def _finish(self) -> None:
        call = self._current()
        count_requests(call, None)
        self.means.figures.ended(call, (now_ms() - call.started_ms) / 1000, self.means.prices, self.agent)
        self.means.store.purge_later(call.call_id, self.epoch, self.means.linger_s)
        self.end_stream()
        self.ended.set()

    def _task_failed(self, error: BaseException) -> None:
        log.error("a task of the call failed", call_id=self._id, exc_info=error)

    def leg_lost(self, reason: str) -> None:
        """Nobody listens: settle and write down at once what was heard; the call may come back to another replica."""
        known = self.call is None or self.call.leg_lost
        if not (known or self.superseded or self.left or self.ended.is_set()):
            self.feed(events.LegLost(at_ms=now_ms(), reason=reason))
            self._store()

    def halt(self) -> None:
        """Stop without ending the call: another owner goes on with it."""
        self.superseded = True
        self._timers.stop()
        self.end_stream()
        self.ended.set()

    async def aclose(self) -> None:
        """Release what the conductor holds. The last state is given a moment to be written."""
        self._store()
        self._timers.stop()
        self._rounds.close_all()
        try:
            if not self.superseded:
                await self.paper.idle(2.0)
        finally:
            await self._tasks.close()
