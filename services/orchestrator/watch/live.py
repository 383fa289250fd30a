"""What this process tells of its calls on `call.<id>.live`, while a lease says that somebody looks.

A conductor asks `watched` and nothing else as long as nobody does. News of a call are gathered and told at most ten
times a second; what NATS does not take is not told: whoever looks is told the next news, and all of it when he asks
anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter

from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.v1 import events_pb2
from services.orchestrator.mind import events
from services.orchestrator.mind.state import Call, Ended, Line
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.prices import Prices, cost
from services.orchestrator.watch import telling

log = structlog.get_logger()

LEASE_S = 10.0
SOON_S = 0.005  # words to the caller go first
EVERY_S = 0.1
RENEW_S = 10.0  # a call of which nothing was told for so long is told of again, with its cost so far
APART_S = 0.002  # between two calls, where all are to be told of at once
MAX_LEASES = 200  # of single calls
MAX_MOMENTS = 200
MAX_UNDER_WAY = 500
"""Messages that NATS has not taken yet; what comes over it is not told."""

UNTOLD = Counter("voice_live_untold_total", "News of calls that somebody looked at, not told because NATS was too slow")

Publish = Callable[[str, bytes], Coroutine[Any, Any, None]]


@dataclass
class _Call:
    """What was told of a call, and what is to be told next."""

    call: Call
    agent: Agent
    at: float = -1.0e9  # when it was told of last
    overview: tuple[object, ...] = ()
    detail: bool = False  # lines were told
    lines: tuple[Line, ...] = ()
    dropped: int = 0
    hearing: str = ""
    moments: list[events_pb2.LiveMoment] = field(default_factory=list)
    lost: int = 0
    timer: asyncio.TimerHandle | None = None


class Live:
    """One of a process. `publish`: to NATS, by subject; None: nobody can be told anything."""

    def __init__(self, publish: Publish | None = None, prices: Prices | None = None) -> None:
        self.watched = False
        self._publish = publish
        self._prices = prices or Prices()
        self._all_until = 0.0
        self._until: dict[str, float] = {}
        self._calls: dict[str, _Call] = {}
        self._tasks = TaskSet(lambda e: log.error("telling of a call failed", exc_info=e))
        self._expiry: asyncio.TimerHandle | None = None

    def price(self, prices: Prices) -> None:
        """What calls are told to cost from now on."""
        self._prices = prices

    def watch(self, message: events_pb2.CallWatch, calls: Iterable[tuple[Call, Agent]]) -> None:
        """A lease begins or goes on. `calls`: of this process."""
        if self._publish is None:
            return
        now = time.monotonic()
        if message.all:
            self._all_until = now + LEASE_S
        for call_id in message.call_ids[:MAX_LEASES]:
            self._until.pop(call_id, None)  # the newest stands last
            self._until[call_id] = now + LEASE_S
        while len(self._until) > MAX_LEASES:
            self._until.pop(next(iter(self._until)))
        self.watched = True
        if self._expiry is None:
            self._expiry = asyncio.get_running_loop().call_later(LEASE_S, self._look)
        named = set(message.call_ids)
        for place, (call, agent) in enumerate(calls):
            if message.all or call.call_id in named:
                self._due(call, agent, now, message.anew, SOON_S + place * APART_S)

    def _due(self, call: Call, agent: Agent, now: float, anew: bool, delay: float) -> None:
        known = self._known(call, agent)
        known.call, known.agent = call, agent
        if anew or now - known.at > RENEW_S:
            known.overview = ()
            if anew:
                known.detail = False
            self._soon(call.call_id, known, delay)
        elif call.call_id in self._until and not known.detail:
            self._soon(call.call_id, known, delay)

    def taken(self, call: Call, agent: Agent, event: events.Event) -> None:
        """The call has taken this event. Ask `watched` before."""
        call_id = call.call_id
        if not (self._all_until or call_id in self._until):
            return
        known = self._known(call, agent)
        known.call, known.agent = call, agent
        if call_id in self._until and (moment := telling.moment_of(event)) is not None:
            if len(known.moments) < MAX_MOMENTS:
                known.moments.append(moment)
            else:
                known.lost += 1
        if isinstance(call.floor, Ended):
            asyncio.get_running_loop().call_soon(self._tell_last, call_id)  # what goes wrong here is not the call's
        else:
            self._soon(call_id, known, max(SOON_S, known.at + EVERY_S - time.monotonic()))

    def _known(self, call: Call, agent: Agent) -> _Call:
        return self._calls.setdefault(call.call_id, _Call(call, agent))

    def _soon(self, call_id: str, known: _Call, delay: float) -> None:
        if known.timer is None:
            known.timer = asyncio.get_running_loop().call_later(delay, self._tell, call_id)

    def _tell_last(self, call_id: str) -> None:
        self._tell(call_id)
        self._forget(call_id)

    def _tell(self, call_id: str) -> None:
        known = self._calls.get(call_id)
        if known is None:
            return
        known.timer = None
        told = telling.overview(known.call, self._cost(known), now_ms())
        overview = (told.state, told.turn, told.interruptions, told.tool, told.specialist, told.agent_version)
        wanted = self._detail(call_id, known, told)
        if not wanted and overview == known.overview:
            return
        known.overview, known.at = overview, time.monotonic()
        if len(self._tasks) >= MAX_UNDER_WAY:
            UNTOLD.inc()
            known.overview, known.detail = (), False  # all of it next time
            return
        assert self._publish is not None
        self._tasks.spawn(self._publish(f"call.{call_id}.live", told.SerializeToString()))

    def _detail(self, call_id: str, known: _Call, told: events_pb2.CallLive) -> bool:
        """Add what has changed in the call's lines, if somebody looks at them; whether there is any."""
        if call_id not in self._until:
            known.detail = False
            return False
        call = known.call
        if not known.detail:
            lines, whole = telling.numbered(call.history, call.dropped_lines), True
        elif call.history is known.lines:
            lines, whole = [], False
        else:
            lines, whole = telling.changed_lines(call, known.lines, known.dropped)
        hearing = call.hearing.text
        if not (whole or lines or known.moments or hearing != known.hearing):
            return False
        told.detail.whole, told.detail.lost, told.detail.hearing_pii = whole, known.lost, hearing
        told.detail.lines.extend(lines)
        told.detail.moments.extend(known.moments)
        known.detail, known.lines, known.dropped, known.hearing = True, call.history, call.dropped_lines, hearing
        known.moments, known.lost = [], 0
        return True

    def _cost(self, known: _Call) -> float:
        seconds = max(0.0, (now_ms() - known.call.started_ms) / 1000)
        return cost(self._prices, known.call, seconds, known.agent)

    def _forget(self, call_id: str) -> None:
        known = self._calls.pop(call_id, None)
        if known is not None and known.timer is not None:
            known.timer.cancel()
        self._until.pop(call_id, None)

    def gone(self, call_id: str) -> None:
        """The call is another process's now, or over."""
        self._forget(call_id)

    def _look(self) -> None:
        """Let leases go that were not said again."""
        now = time.monotonic()
        self._expiry = None
        if self._all_until <= now:
            self._all_until = 0.0
        for call_id in [each for each, until in self._until.items() if until <= now]:
            del self._until[call_id]
        for call_id in list(self._calls):
            if not self._all_until and call_id not in self._until:
                self._forget(call_id)
        self.watched = bool(self._all_until or self._until)
        if self.watched:
            self._expiry = asyncio.get_running_loop().call_later(1.0, self._look)

    async def aclose(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        for call_id in list(self._calls):
            self._forget(call_id)
        await self._tasks.close()
