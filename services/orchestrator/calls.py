"""The calls of this process: how one is opened, taken over from another owner, and let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from parley.agents import Agent, load_agent
from parley.aio import TaskSet
from parley.errors import BadInput, Superseded, Unavailable
from parley.v1 import conversation_pb2, events_pb2
from services.orchestrator import codec, events, wire
from services.orchestrator.conductor import Conductor, Means, now_ms
from services.orchestrator.prompt import tool_specs
from services.orchestrator.state import Ended, Epoch

log = structlog.get_logger()

ORPHAN_S = 30.0  # a conductor outlives its gateway's stream by this much


class Calls:
    """Conductors by call id; at most one per call."""

    def __init__(self, means: Means, agents_dir: Path) -> None:
        self._means = means
        self._agents_dir = agents_dir
        self._conductors: dict[str, Conductor] = {}
        self._lingering = TaskSet(lambda e: log.error("letting a call go failed", exc_info=e))

    def __len__(self) -> int:
        return len(self._conductors)

    @asynccontextmanager
    async def opened(self, message: conversation_pb2.Open) -> AsyncIterator[Conductor]:
        """The conductor of a call that a gateway opens, new or taken over. Raises Superseded, NotFound, BadInput."""
        if not message.call_id or not message.epoch.leg:
            raise BadInput("open: call_id and epoch.leg must be set")
        epoch = wire.epoch_of(message.epoch)
        stored = await self._newest(message, epoch)
        agent = load_agent(self._agents_dir, message.agent or (stored.state.agent if stored else ""))
        infos = await self._means.organs.tools_of(agent.name, agent.version)
        version, records = (stored.version, stored.records) if stored else (0, 0)
        conductor = Conductor(self._means, agent, tool_specs(agent, infos), epoch, version, records)
        self._conductors[message.call_id] = conductor
        language = message.language or agent.language
        conductor.call = codec.state_from_proto(stored.state) if stored else None
        conductor._send(conversation_pb2.CallCommand(session=wire.session_of(agent, language)))
        if stored is None:
            effectful = tuple(info.name for info in infos if info.effects)
            conductor.feed(_opened(message, epoch, agent, language, effectful))
        else:
            conductor.feed(await self._taken_over(message, epoch, stored))
        try:
            yield conductor
        finally:
            self._lingering.spawn(self._let_go(message.call_id, conductor))

    async def _newest(self, message: conversation_pb2.Open, epoch: Epoch) -> events_pb2.StoredCall | None:
        """The newest state anybody has: our own conductor's, the gateway's copy, or the store's."""
        found: list[events_pb2.StoredCall] = []
        own = self._conductors.get(message.call_id)
        if own is not None:
            if own.epoch >= epoch:
                raise Superseded(f"superseded: {message.call_id} has owner {own.epoch.leg}.{own.epoch.open}")
            own.halt()
            if own.stored is not None:
                found.append(own.stored)
        if message.state:
            found.append(events_pb2.StoredCall.FromString(message.state))
        if (epoch.leg > 1 or epoch.open > 1) and not message.state:
            entry = await self._read(message.call_id)
            if entry is not None:
                found.append(entry)
        if not found:
            return None
        newest = max(found, key=lambda s: (wire.epoch_of(s.epoch), s.version))
        if wire.epoch_of(newest.epoch) > epoch:
            raise Superseded(f"superseded: {message.call_id} has owner {newest.epoch.leg}.{newest.epoch.open}")
        return newest

    async def _read(self, call_id: str) -> events_pb2.StoredCall | None:
        try:
            entry = await self._means.store.read(call_id)
        except Unavailable as e:
            log.warning("a call comes back whose state cannot be read", call_id=call_id, error=str(e))
            return None
        return entry[0] if entry else None

    async def _taken_over(
        self, message: conversation_pb2.Open, epoch: Epoch, stored: events_pb2.StoredCall
    ) -> events.TakenOver:
        settled = await self._means.organs.settle(message.call_id, epoch)
        mouth = message.mouth
        log.info("call taken over", call_id=message.call_id, leg=epoch.leg, open=epoch.open, version=stored.version)
        return events.TakenOver(
            at_ms=now_ms(),
            epoch=epoch,
            new_leg=epoch.leg > stored.epoch.leg,
            mouth_utterance=mouth.utterance,
            mouth_text=mouth.text,
            mouth_complete=mouth.complete,
            mouth_heard=mouth.heard_chars,
            mouth_paused=mouth.paused,
            turn=mouth.turn,
            utterance=mouth.last_utterance,
            settled=settled,
            after_n=stored.records,
        )

    async def _let_go(self, call_id: str, conductor: Conductor) -> None:
        """The stream is over. Unless the call is, wait for its gateway to come back, here or elsewhere."""
        if not conductor.ended.is_set() and not conductor.superseded:
            conductor.feed(events.LegLost(at_ms=now_ms(), reason="the gateway's stream ended"))
            try:
                async with asyncio.timeout(ORPHAN_S):
                    await conductor.ended.wait()
            except TimeoutError:
                if not conductor.superseded:
                    conductor.feed(events.LegEnded(at_ms=now_ms(), reason="nobody came back"))
        if self._conductors.get(call_id) is conductor:
            del self._conductors[call_id]
        await conductor.aclose()

    def signal(self, message: events_pb2.CallSignal) -> None:
        """Something from outside for one of our calls."""
        conductor = self._conductors.get(message.call_id)
        if conductor is not None and not isinstance(conductor.call.floor if conductor.call else None, Ended):
            conductor.feed(events.Signal(at_ms=now_ms(), name=message.name, data=message.data))

    async def aclose(self) -> None:
        await self._lingering.close()
        for conductor in list(self._conductors.values()):
            await conductor.aclose()


def _opened(
    message: conversation_pb2.Open, epoch: Epoch, agent: Agent, language: str, effect_tools: tuple[str, ...]
) -> events.Opened:
    return events.Opened(
        at_ms=now_ms(),
        call_id=message.call_id,
        epoch=epoch,
        agent=agent.name,
        agent_version=agent.version,
        channel=wire.channel_of(message),
        caller_pii=message.caller,
        called=message.called,
        language=language,
        policy=wire.policy_of(agent),
        effect_tools=effect_tools,
    )
