"""The gateway of one process: what its doors share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from parley import telemetry
from parley.aio import background
from parley.bus.editions import Editions
from parley.errors import AtCapacity, Unavailable
from parley.rpc import Peers
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses
from parley.v1 import conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.carriers import carriers
from services.gateway.doors.crowd import Crowd
from services.gateway.house import FRESH_SHARE, House
from services.gateway.leg.body import MakeBody
from services.gateway.leg.leg import Ending, Leg, body_of
from services.gateway.metrics import FULL_ORGAN
from services.gateway.mouth.clock import Clock
from services.gateway.organs import Organs
from services.gateway.recent_calls import RecentCalls
from services.gateway.till.keeping import Keeping
from services.gateway.tokens import Tokens
from services.gateway.voice.phrase_cache import PhraseCache
from services.gateway.voice.prefetch import Prefetch

Ended = Callable[[str], Awaitable[bool]]
"""Whether the stored state of a call says that it is over. Raises Unavailable when it cannot be read."""

STATE_WAIT_S = 8.0

EARS_GATHER_MS = 10.0
"""Callers' sound waits so long for that of other callers: one message to stt then carries many."""


class Gateway:
    """Made by `opened`."""

    def __init__(
        self, settings: Settings, organs: Organs, ended: Ended | None, editions: Editions, crowd: Crowd
    ) -> None:
        self.settings = settings
        self.editions = editions
        self.organs = organs
        self.tokens = Tokens(settings.secret.get_secret_value())
        self.crowd = crowd
        self.house = House(settings.capacity)
        self.make_body: MakeBody = body_of
        self._refusals = RecentCalls()
        self._ended = ended

    async def serve(self, call: Call, wire: Wire, listen: Callable[[Leg], Awaitable[Ending]], *, fresh: bool) -> None:
        """One leg, as long as it lasts. Raises AtCapacity, Unavailable (draining)."""
        if fresh and (full := self._full()):
            raise AtCapacity(f"every replica of {full} is {FRESH_SHARE:.0%} full, or away")
        leg = Leg(call, wire, self.organs, self.make_body)
        with self.house.enter(leg, fresh=fresh):
            self._refusals.forget(call.call_id)
            if fresh:
                telemetry.CALLS_BEGUN.labels(call.channel).inc()
            ending = await leg.run(listen)
        outcome = "ended" if ending[0] == conversation_pb2.Leg.KIND_ENDED else "lost"
        telemetry.CALLS_TOTAL.labels(call.channel, outcome).inc()

    def room(self, *, fresh: bool) -> bool:
        """Whether one more call would be let in: the house has room and, for a new one, so has every organ it needs."""
        return self.house.room(fresh=fresh) and not (fresh and self._full())

    def _full(self) -> str:
        """An organ that could not carry a new call without touching what it keeps for those under way; or ""."""
        organs = self.organs
        for peers in (organs.orchestrator, organs.stt, organs.tts):
            if not peers.has_room(FRESH_SHARE):
                FULL_ORGAN.labels(peers.service).inc()
                return peers.service
        return ""

    def turned_away(self, call_id: str) -> int:
        """This call found no room; returns how often by now."""
        return self._refusals.add(call_id)

    def refusals(self, call_id: str) -> int:
        return self._refusals.count(call_id)

    async def is_over(self, call_id: str) -> bool:
        """Whether the bot has ended this call, here or elsewhere. A state that cannot be read is waited for, 8 s."""
        if self.organs.over.count(call_id):
            return True
        if self._ended is None:
            return False
        try:
            async with asyncio.timeout(STATE_WAIT_S):
                while True:
                    try:
                        return await self._ended(call_id)
                    except Unavailable:
                        await asyncio.sleep(0.25)
        except TimeoutError:
            return False


@asynccontextmanager
async def opened(
    settings: Settings,
    ended: Ended | None = None,
    editions: Editions | None = None,
    crowd: Crowd | None = None,
) -> AsyncIterator[Gateway]:
    """The gateway with its clock and its ways to the other services. Without `editions`: the folder of agents."""
    editions, crowd = editions or Editions(settings.agents_dir), crowd or Crowd(settings)
    clock, ways, certificates = Clock(), carriers(settings), Certificates.of(settings)
    async with (
        Peers("stt", addresses(settings.stt_address), EARS_GATHER_MS, certificates) as stt,
        Peers("tts", addresses(settings.tts_address), certificates=certificates) as tts,
        Peers("orchestrator", addresses(settings.orchestrator_address), certificates=certificates) as orchestrator,
        background(clock.run()),
    ):
        rehearsal = Prefetch(tts, PhraseCache(settings.spoken_cache_mb << 20))
        keeping = Keeping(lambda: Peers("tools", addresses(settings.tools_address), certificates=certificates))
        organs = Organs(stt, tts, orchestrator, clock, ways, rehearsal, keeping)
        try:
            yield Gateway(settings, organs, ended, editions, crowd)
        finally:
            await rehearsal.close()
            await keeping.close()
            for carrier in ways.values():
                await carrier.close()
