"""The only loop: an event goes through `step`, its effects are carried out, their results come back as events.

One conductor per call and owner. It is fed synchronously (`feed`), so that nothing waits between an event and the
command that answers it; storing comes after, in the next pass of the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from parley import telemetry
from parley.agents import Agent
from parley.aio import TaskSet
from parley.bus import Bus
from parley.callstate import CallStore, CallWriter
from parley.errors import BadInput, ParleyError, Superseded, TooLate
from parley.v1 import call_pb2, conversation_pb2, events_pb2, llm_pb2
from services.orchestrator import codec, effects, events, prices, prompt, wire
from services.orchestrator.history import question_of
from services.orchestrator.organs import UNKNOWN, Organs
from services.orchestrator.speakable import Phraser
from services.orchestrator.state import Call, Ended, Epoch, ToolUse
from services.orchestrator.turn import step

log = structlog.get_logger()

MAX_RECORD_BYTES = 256 * 1024  # of one event record; NATS takes 1 MiB
MAX_COMMANDS = 1000  # for a gateway that does not read; over it the stream is given up and opened anew
ROUND_S = 120.0  # for a round of the model that neither fails nor ends
TOOLS_AGAIN_S = 0.3  # for a round to learn of tools that were away when the call began
_START = time.time() - time.monotonic()


def now_ms() -> int:
    """Milliseconds since 1970, never going backwards within the process."""
    return int((_START + time.monotonic()) * 1000)


@dataclass(frozen=True, slots=True)
class Means:
    """What every conductor of the process works with."""

    organs: Organs
    bus: Bus
    store: CallStore
    engine: str  # the preferred language model, for the agent's choice of model
    prices: prices.Prices
    linger_s: float
    refuse_without_nats: bool = False


class Conductor:
    """Runs one call as one owner. `commands` is what the gateway is to be told."""

    def __init__(
        self,
        means: Means,
        agent: Agent,
        tools: list[llm_pb2.ToolSpec],
        epoch: Epoch,
        version: int = 0,
        records: int = 0,
    ) -> None:
        self.means = means
        self.agent = agent
        self.epoch = epoch
        self.call: Call | None = None
        self.commands: asyncio.Queue[conversation_pb2.CallCommand | None] = asyncio.Queue(MAX_COMMANDS)
        self.ended = asyncio.Event()
        self.superseded = False
        self.version = version
        self.records = records
        self.stored: events_pb2.StoredCall | None = None
        self._tools = tools
        self._inbox: deque[events.Event] = deque()
        self._feeding = False
        self._inputs: list[events_pb2.StepInput] = []
        self._input_bytes = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._rounds: dict[int, set[asyncio.Task[None]]] = {}
        self._seqs: dict[int, int] = {}
        self._acked = 0
        self._tasks = TaskSet(self._task_failed)
        self._writer: CallWriter | None = None
        self._traceparent = ""
        self._boundary: effects.Store | None = None

    def feed(self, event: events.Event) -> None:
        """Take one event through `step`. An event caused while another is handled waits its turn."""
        self._inbox.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._inbox and not self.superseded:
                self._take(self._inbox.popleft())
        finally:
            self._feeding = False

    def _take(self, event: events.Event) -> None:
        self._inputs.append(codec.event_to_proto(event))
        self._input_bytes += self._inputs[-1].ByteSize()
        self.call, outcome = step(self.call, event)
        for effect in outcome:
            self._do(effect)
        if self._input_bytes > MAX_RECORD_BYTES:  # a boundary is overdue: keep the record bounded
            self._do(effects.Store())

    def begin_span(self, traceparent: str) -> None:
        self._traceparent = traceparent

    def _do(self, effect: effects.Effect) -> None:
        command = wire.command_of(effect)
        if command is not None:
            if not command.turn and self.call is not None:
                command.turn = self.call.turn
            self._send(command)
        match effect:
            case effects.StartTimer():
                self._start_timer(effect)
            case effects.CancelTimer():
                if (handle := self._timers.pop(effect.id, None)) is not None:
                    handle.cancel()
            case effects.Think():
                self._rounds.setdefault(effect.turn, set()).add(self._tasks.spawn(self._think(effect)))
            case effects.CloseThink():
                self._close_rounds(effect.turn)
            case effects.Retrieve():
                self._tasks.spawn(self._retrieve(effect.query))
            case effects.Execute():
                self._tasks.spawn(self._execute(effect))
            case effects.Stop():
                self._tasks.spawn(self._publish_cancel(effect.turn))
            case effects.Store():
                self._store_soon(effect)

    def _send(self, command: conversation_pb2.CallCommand) -> None:
        """Queue a command with our epoch and the acknowledgements. A gateway that does not read loses its stream."""
        command.epoch.leg, command.epoch.open = self.epoch
        if self.call is not None:
            command.seen_seq = self.call.seen_seq
        command.ack_seq = self._acked
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

    def _start_timer(self, effect: effects.StartTimer) -> None:
        if (old := self._timers.pop(effect.id, None)) is not None:
            old.cancel()
        delay = max(0.0, (effect.at_ms - now_ms()) / 1000)
        self._timers[effect.id] = asyncio.get_running_loop().call_later(delay, self._fire, effect.id)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        if name == "unheard":
            log.error("the gateway never told what was heard", call_id=self._id)
        self.feed(events.TimerFired(at_ms=now_ms(), id=name))

    def _close_rounds(self, turn: int) -> None:
        for number in [n for n in self._rounds if n <= turn]:
            for task in self._rounds.pop(number):
                task.cancel()

    async def _think(self, think: effects.Think) -> None:
        """One round: deltas to phrases, tool calls, the end of it. Cancelling the task closes the model's stream."""
        phraser, ended = Phraser(), events.RoundEnded(turn=think.turn, tries=think.tries, round=think.round)
        try:
            with telemetry.span("round", self._traceparent, turn=think.turn, round=think.round, tries=think.tries):
                async with asyncio.timeout(ROUND_S):
                    ended = await self._round(think, phraser, ended)
        except (ParleyError, TimeoutError) as e:
            log.warning("a round failed", call_id=self._id, turn=think.turn, tries=think.tries, error=str(e))
            ended = replace(ended, error=e.code if isinstance(e, ParleyError) else TooLate.code)
        except Exception as e:  # the round must end: the caller waits
            log.error("a round broke", call_id=self._id, turn=think.turn, exc_info=e)
            ended = replace(ended, error=ParleyError.code)
        self._round_is_over(think.turn)
        self.feed(replace(ended, at_ms=now_ms(), text=phraser.end()))

    async def _round(self, think: effects.Think, phraser: Phraser, ended: events.RoundEnded) -> events.RoundEnded:
        if not self._tools:  # unknown when the call began, or none: then this is answered from memory
            infos = await self.means.organs.tools_of(self.agent.name, self.agent.version, TOOLS_AGAIN_S)
            self._tools = prompt.tool_specs(self.agent, infos)
        assert self.call is not None
        request = prompt.request(self.call, self.agent, self.means.engine, self._tools, think, telemetry.traceparent())
        tools: list[ToolUse] = []
        usage = llm_pb2.Usage()
        async with aclosing(self.means.organs.chat(request)) as stream:
            async for event in stream:
                match event.WhichOneof("event"):
                    case "text_delta":
                        for phrase in phraser.push(event.text_delta):
                            self._phrase(think, phrase)
                    case "tool_call":
                        call = event.tool_call
                        tools.append(ToolUse(call.id, call.name, call.arguments_json))
                    case "usage":
                        usage = event.usage
                    case "finish":
                        break
        return replace(
            ended,
            tools=() if think.tools_off else tuple(tools),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )

    def _round_is_over(self, turn: int) -> None:
        running = self._rounds.get(turn, set())
        running.discard(asyncio.current_task())
        if not running:
            self._rounds.pop(turn, None)

    def _phrase(self, think: effects.Think, text: str) -> None:
        self.feed(events.PhraseReady(at_ms=now_ms(), turn=think.turn, tries=think.tries, round=think.round, text=text))

    async def _retrieve(self, query: str) -> None:
        assert self.call is not None
        limit, question = self.agent.knowledge.limit, question_of(self.call, query)
        passages = await self.means.organs.search(self.call, question, limit, self._traceparent)
        self.feed(events.Retrieved(at_ms=now_ms(), query=query, passages=passages))

    async def _execute(self, effect: effects.Execute) -> None:
        assert self.call is not None
        with telemetry.span("tool", self._traceparent, tool=effect.name, intent=effect.intent):
            try:
                outcome = await self.means.organs.execute(self.call, effect, telemetry.traceparent())
            except Superseded:
                self._on_superseded()
                return
            except Exception as e:  # the tool must end: the caller waits
                log.error("a tool call broke", call_id=self._id, tool=effect.name, exc_info=e)
                outcome = UNKNOWN
        self.feed(events.ToolEnded(at_ms=now_ms(), intent=effect.intent, outcome=outcome))

    async def _publish_cancel(self, turn: int) -> None:
        reference = call_pb2.TurnRef(epoch=call_pb2.Epoch(leg=self.epoch.leg, open=self.epoch.open), turn=turn)
        cancel = events_pb2.CancelTurn(call_id=self._id, turn=reference, at_ms=now_ms())
        await self.means.bus.publish(f"call.{self._id}.cancel", cancel.SerializeToString(), self._traceparent)

    def _store_soon(self, boundary: effects.Store) -> None:
        """Store in the loop's next pass, once however many boundaries this pass has: words go before paper."""
        if self._boundary is None and not boundary.first:
            asyncio.get_running_loop().call_soon(self._store)
        if self._boundary is None or boundary.ended:
            self._boundary = boundary
        if boundary.first:
            self._store()

    def _store(self) -> None:
        boundary, self._boundary = self._boundary, None
        if self.call is None or boundary is None or self.superseded:
            return
        self.version += 1
        self.records += 1
        record = events_pb2.EventRecord(call_id=self._id, n=self.records, inputs=self._inputs, ended=boundary.ended)
        record.epoch.leg, record.epoch.open = self.epoch
        self._inputs, self._input_bytes = [], 0
        leg, opened = self.epoch
        self.means.bus.record(self._id, f"{self._id}/{leg}.{opened}/{self.records}", record.SerializeToString())
        stored = events_pb2.StoredCall(
            version=self.version, touched_ms=now_ms(), records=self.records, state=codec.state_to_proto(self.call)
        )
        stored.epoch.leg, stored.epoch.open = self.epoch
        self._keep(stored)
        if boundary.ended:
            self._finish()

    def _keep(self, stored: events_pb2.StoredCall) -> None:
        self.stored = stored
        if self._writer is None:
            self._writer = self.means.store.writer(self._id, self._on_stored, self._on_superseded)
        assert self.call is not None
        self._seqs[stored.version] = self.call.seen_seq
        try:
            self._writer.put(stored)
        except BadInput as e:
            log.error("the call's state is too large to store", call_id=self._id, error=str(e))
            return
        state = conversation_pb2.State(version=stored.version, data=stored.SerializeToString())
        self._send(conversation_pb2.CallCommand(state=state))

    def _on_stored(self, version: int) -> None:
        for number in [v for v in self._seqs if v <= version]:
            self._acked = max(self._acked, self._seqs.pop(number))

    def _on_superseded(self) -> None:
        log.warning("a newer owner has the call", call_id=self._id, leg=self.epoch.leg, open=self.epoch.open)
        self.halt()

    def _finish(self) -> None:
        call = self.call
        assert call is not None
        seconds = (now_ms() - call.started_ms) / 1000
        telemetry.COST_PER_CALL.observe(self.means.prices.of(call, seconds))
        reason = call.floor.reason if isinstance(call.floor, Ended) else ""
        log.info("call ended", call_id=call.call_id, reason=reason, seconds=round(seconds, 1), turns=call.turn)
        self.means.store.purge_later(call.call_id, self.epoch, self.means.linger_s)
        self.end_stream()
        self.ended.set()

    def _task_failed(self, error: BaseException) -> None:
        log.error("a task of the call failed", call_id=self._id, exc_info=error)

    def halt(self) -> None:
        """Stop without ending the call: another owner goes on with it."""
        self.superseded = True
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        self.end_stream()
        self.ended.set()

    async def aclose(self) -> None:
        """Release what the conductor holds. The last state is given a moment to be written."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        self._close_rounds(max(self._rounds, default=0))
        if self._writer is not None and not self.superseded:
            await self._writer.idle(2.0)
        await self._tasks.close()
