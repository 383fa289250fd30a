"""The calls of this process: how one is opened, taken over from another owner, and let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from parley.agents.agent import SPECIALIST, Agent
from parley.aio import TaskSet, Turnstile
from parley.errors import BadInput, ParleyError, Superseded, Unavailable
from parley.text.scripts import joined
from parley.v1 import conversation_pb2, events_pb2, tools_pb2
from services.orchestrator.mind import events, known
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.owner.settling import in_doubt
from services.orchestrator.mind.state import Call, Ended, Epoch
from services.orchestrator.own.latest_state import BACK, find, newest
from services.orchestrator.own.signals import Signals
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.conductor import Conductor
from services.orchestrator.run.means import Means
from services.orchestrator.run.metrics import NOBODY
from services.orchestrator.run.rosters import Rosters
from services.orchestrator.wire import codec
from services.orchestrator.wire import messages as wire

log = structlog.get_logger()

SETTLE_S = 0.3  # for the ledger to tell a new owner what was done
IN_DOUBT_S = 3.0  # where something may have been
ORPHAN_S = 40.0  # a conductor outlives its gateway's stream by this much: pages try to come back for 30 s


class Calls:
    """Conductors by call id; at most one per call."""

    def __init__(self, means: Means, rosters: Rosters) -> None:
        self._means = means
        self._rosters = rosters
        self._conductors: dict[str, Conductor] = {}
        self._signals = Signals()
        self._turnstile = Turnstile()
        self._lingering = TaskSet(lambda e: log.error("letting a call go failed", exc_info=e))

    def work_with(self, means: Means) -> None:
        """Calls that begin from now on; a conductor keeps what it has."""
        self._means = means

    def leave(self) -> None:
        """This process is going away: each call is handed over at its next quiet moment.

        A call that is opened here from now on found no other replica: it stays as long as it can.
        """
        log.info("handing calls over", calls=len(self._conductors))
        for conductor in list(self._conductors.values()):
            conductor.leave()

    def has(self, call_id: str) -> bool:
        return call_id in self._conductors

    def touch(self, after_s: float) -> None:
        for conductor in self._conductors.values():
            conductor.touch(after_s)

    def __len__(self) -> int:
        return len(self._conductors)

    @asynccontextmanager
    async def opened(self, message: conversation_pb2.Open, traceparent: str = "") -> AsyncIterator[Conductor]:
        """The conductor of a call that a gateway opens, new or taken over. Raises Superseded, NotFound, BadInput.

        `traceparent`: of the leg that opens it.
        """
        if not message.call_id or not message.epoch.leg:
            raise BadInput("open: call_id and epoch.leg must be set")
        await self._turnstile.passed()
        conductor, first = await self._made(message, wire.epoch_of(message.epoch))
        self._conductors[message.call_id] = conductor
        conductor.begin_span(traceparent)
        try:
            language = message.language or conductor.agent.language
            conductor.send_session(language, wire.channel_of(message), _who_has(conductor.call, first))
            for event in (*first, *self._signals.of(message.call_id, now_ms())):
                conductor.feed(event)
            if not conductor.knows_tools:
                conductor.learn_tools(self._rosters.first(conductor.agent))
            if conductor.call is not None and conductor.call.unsettled:
                conductor.settle()
            yield conductor
        finally:
            self._lingering.spawn(self._let_go(message.call_id, conductor))

    async def problem(self, agent: str) -> str:
        """What is wrong with the last edit of an agent, as a call that began now would be told. Raises as `opened`."""
        _, listed = await self._rosters.now(agent)
        return listed.problem if listed is not None else ""

    async def _made(self, message: conversation_pb2.Open, epoch: Epoch) -> tuple[Conductor, list[events.Event]]:
        """A conductor and its first events. Begun again when another open of the call came to its end meanwhile."""
        while True:
            own = self._conductors.get(message.call_id)
            before = await newest(message, epoch, own, self._means.store, self._means.bus)
            stored = before.stored
            if stored is None and self._means.refuse_without_nats and not self._means.bus.connected:
                raise Unavailable("no new calls while NATS is away (PARLEY_WITHOUT_NATS=refuse)")
            agent, listed = await self._rosters.now(*_began_with(message, stored), message.call_id)
            tools = listed.tools if listed else ()
            first: list[events.Event] = []
            if stored is None:
                first.append(_opened(message, epoch, agent, tools, unread=before.unread))
            if stored is not None or message.mouth.last_utterance:
                first.append(await self._taken_over(message, epoch, stored, agent, tools))
                await self._turnstile.passed()
            if self._conductors.get(message.call_id) in (own, None):
                break
        conductor = Conductor(self._means, agent, tools, epoch, stored, anew=before.unread)
        conductor.knows_tools = listed is not None
        conductor.problem = listed.problem if listed is not None else ""
        conductor.call = _read_state(stored) if stored else None
        return conductor, first

    async def _taken_over(
        self,
        message: conversation_pb2.Open,
        epoch: Epoch,
        found: events_pb2.StoredCall | None,
        agent: Agent,
        tools: Sequence[tools_pb2.ToolInfo],
    ) -> events.TakenOver:
        stored = found or events_pb2.StoredCall(epoch=message.epoch)
        new_leg = epoch.leg > stored.epoch.leg
        doubt = new_leg or in_doubt(_read_state(found) if found else None, message.last_seq)
        settled = await self._settled(message.call_id, epoch, doubt)
        mouth, marked = message.mouth, wire.Marked.of(tools)
        changed = found is not None and found.state.agent_version != agent.version
        log.info(
            "call taken over",
            call_id=message.call_id,
            leg=epoch.leg,
            open=epoch.open,
            version=stored.version,
            settled=settled is not None,
        )
        return events.TakenOver(
            at_ms=now_ms(),
            epoch=epoch,
            new_leg=new_leg,
            mouth_utterance=mouth.utterance,
            mouth_text=mouth.text,
            mouth_complete=mouth.complete,
            mouth_heard=mouth.heard_chars,
            mouth_paused=mouth.paused,
            turn=mouth.turn,
            utterance=mouth.last_utterance,
            settled=settled or (),
            unsettled=settled is None,
            agent_version=agent.version,
            policy=wire.policy_of(agent, wire.channel_of(message)) if changed else None,
            effect_tools=marked.effects,
            slow_tools=marked.slow,
            levels=marked.levels,
            transfer=message.parameters.get(known.TRANSFER, ""),
            after_n=stored.records,
        )

    async def _settled(self, call_id: str, epoch: Epoch, doubt: bool) -> tuple[ToolUse, ...] | None:
        """What older owners did. None: nobody could be asked, and who waits for longer is kept waiting for nothing.

        Where an action may be under way the answer is worth more. Raises Superseded.
        """
        try:
            async with asyncio.timeout(IN_DOUBT_S if doubt else SETTLE_S):
                while True:
                    try:
                        return await self._means.organs.settle(call_id, epoch)
                    except Superseded:
                        raise
                    except ParleyError as e:
                        log.warning("older owners' actions are not known", call_id=call_id, error=str(e))
                        if not doubt:
                            return None
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return None

    async def _let_go(self, call_id: str, conductor: Conductor) -> None:
        """The stream is over. Unless the call is, wait for its gateway to come back, here or elsewhere."""
        try:
            await self._turnstile.passed()
            if conductor.listening:
                log.warning("the gateway left while this process stood still", call_id=call_id)
                conductor.halt()
            elif not (conductor.ended.is_set() or conductor.left):
                conductor.leg_lost("the gateway's stream ended")
                await self._wait_for_another(call_id, conductor)
        finally:
            if self._conductors.get(call_id) is conductor:
                del self._conductors[call_id]
                self._means.live.gone(call_id)
            await conductor.aclose()

    async def _wait_for_another(self, call_id: str, conductor: Conductor) -> None:
        try:
            async with asyncio.timeout(ORPHAN_S):
                await conductor.ended.wait()
            return
        except TimeoutError:
            stored = await find(self._means.store, call_id, 0.0)
        if isinstance(stored, events_pb2.StoredCall) and wire.epoch_of(stored.epoch) > conductor.epoch:
            conductor.halt()  # it came back elsewhere: not ours to end
        elif not conductor.ended.is_set():
            conductor.feed(events.LegEnded(at_ms=now_ms(), reason=NOBODY))

    def signal(self, message: events_pb2.CallSignal) -> None:
        """Something from outside for one of our calls."""
        conductor = self._conductors.get(message.call_id)
        if message.name == BACK:
            if conductor is not None and message.data.isdecimal() and int(message.data) > conductor.epoch.leg:
                conductor.leg_lost("the caller is back on another leg")
        elif (event := self._signals.came(message, now_ms())) is None or conductor is None:
            return
        elif not isinstance(conductor.call.floor if conductor.call else None, Ended):
            conductor.feed(event)

    def watch(self, message: events_pb2.CallWatch) -> None:
        """Somebody looks at calls: they are told of ours."""
        ours = ((each.call, each.agent) for each in self._conductors.values() if each.call is not None)
        self._means.live.watch(message, ours)

    async def aclose(self) -> None:
        await self._means.live.aclose()
        await self._lingering.close()
        await asyncio.gather(*(conductor.aclose() for conductor in self._conductors.values()))


def _began_with(message: conversation_pb2.Open, stored: events_pb2.StoredCall | None) -> tuple[str, str]:
    """Name and version of the call's agent; no version for a call that begins."""
    if stored is None:
        return message.agent, message.agent_version
    name = message.agent or stored.state.agent
    return name, stored.state.agent_version if name == stored.state.agent else ""


def _who_has(call: Call | None, first: Sequence[events.Event]) -> str:
    """The specialist with whom the call goes on, or begins; empty: the agent itself."""
    if call is not None:
        return call.specialist
    return next((event.specialist for event in first if isinstance(event, events.Opened)), "")


def _read_state(stored: events_pb2.StoredCall) -> Call:
    try:
        return codec.state_from_proto(stored.state)
    except ValueError as e:
        raise Unavailable(f"the state was written by a newer version, open there ({e})") from e


def _opened(
    message: conversation_pb2.Open, epoch: Epoch, agent: Agent, tools: Sequence[tools_pb2.ToolInfo], *, unread: bool
) -> events.Opened:
    """A new call. Where the mouth has spoken, an owner was lost before its first state came: the greeting is over.

    `unread`: not a new one, but nobody can tell what was said: a caller who is back is not greeted but asked to say it
    again; what older owners have done the ledger must tell. Who comes back from a transfer that failed is told so.
    """
    policy, marked = wire.policy_of(agent, wire.channel_of(message)), wire.Marked.of(tools)
    parameters, specialist = _begins_with(message, agent)
    variables, left_out = known.variables_of(parameters)
    if left_out:
        log.warning("parameters of a call are left out: wrong names, or too many", call_id=message.call_id, n=left_out)
    if message.mouth.last_utterance:
        policy = replace(policy, greeting="", caller_first_ms=0, before_greeting="", after_greeting="")
    elif epoch.leg > 1 and message.parameters.get(known.TRANSFER):
        policy = replace(policy, greeting=policy.not_transferred, caller_first_ms=0)
        policy = replace(policy, before_greeting="", after_greeting="")
    elif unread and epoch.leg > 1:
        policy = replace(policy, greeting=joined(policy.cut_off, policy.not_heard), caller_first_ms=0)
    return events.Opened(
        at_ms=now_ms(),
        call_id=message.call_id,
        epoch=epoch,
        agent=agent.name,
        agent_version=agent.version,
        channel=wire.channel_of(message),
        caller_pii=message.caller,
        called=message.called,
        direction=wire.direction_of(message),
        purpose=known.tidy(message.purpose),
        variables=variables,
        language=message.language or agent.language,
        policy=policy,
        effect_tools=marked.effects,
        slow_tools=marked.slow,
        levels=marked.levels,
        unsettled=unread,
        specialist=specialist,
    )


def _begins_with(message: conversation_pb2.Open, agent: Agent) -> tuple[dict[str, str], str]:
    """What is known of the call, without which specialist it begins with; and that one. A wrong name is nobody's."""
    parameters = dict(message.parameters)
    if not agent.specialists or not (name := parameters.pop(SPECIALIST, "")):
        return parameters, ""
    if name not in agent.specialists:
        log.warning("a call is to begin with a specialist that the agent has not", call_id=message.call_id)
        return parameters, ""
    return parameters, name
