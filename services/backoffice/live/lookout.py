"""Keeps a board true while somebody looks at it: leases to the orchestrators, and a look at the stored states.

A client that comes has `call.watch` said at once (`anew`), then every 3 s while anybody is there. Every 10 s calls that
nobody told of, and whose state is gone, are over. While nobody is there nothing is said, and the board is cleared.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from google.protobuf.message import DecodeError

from parley.bus import Bus
from parley.bus.callstate import CallStore
from parley.errors import AtCapacity, NotFound, ParleyError, Unavailable
from parley.v1 import events_pb2
from services.backoffice.beside import Beside
from services.backoffice.live.board import MAX_CALLS, MAX_OPEN, SHOWN, Board, Opened
from services.backoffice.live.topic import refuse_over

log = structlog.get_logger()

WATCH = "call.watch"
EVERY_S = 3.0
LOOK_S = 10.0
SILENT_S = 25.0
VISIT_S = 8.0
"""So long a single look (`GET /api/active-calls`) is like a client."""
TELL_S = 0.4
"""For the orchestrators to tell of their calls; those that did not are told as they were stored last."""
READ_AT_ONCE = 20
FELT_MS = 3_600_000
"""So far back feelings are looked for at the first look."""
LATE_MS = 10_000
"""A feeling may be told so long after a later one of another call."""


class Lookout:
    """`board` is true while somebody looks."""

    def __init__(self, bus: Bus, store: CallStore, beside: Beside) -> None:
        self.board = Board()
        self._bus = bus
        self._store = store
        self._beside = beside
        self._felt_ms = 0
        self._visited = 0.0
        self._wake = asyncio.Event()
        self._looked = 0.0
        self._new: set[str] = set()
        self._fresh = True
        bus.subscribe("call.*.live", self._told)

    async def _told(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        if not self.watched:
            return
        try:
            told = events_pb2.CallLive.FromString(data)
        except DecodeError:
            log.warning("what was told of a call cannot be read", subject=subject)
            return
        if subject == f"call.{told.call_id}.live":
            self.board.take(told)

    @property
    def watched(self) -> bool:
        return bool(self.board.clients) or time.monotonic() < self._visited or bool(self.board.opened)

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            if self.watched:
                await self._look()
                wait: float | None = EVERY_S
            else:
                self.board.clear()
                self._fresh, self._felt_ms, wait = True, 0, None
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        new, self._new = sorted(self._new), set()
        everybody = bool(len(self.board.all)) or time.monotonic() < self._visited
        if everybody:
            await self._ask(events_pb2.CallWatch(all=True, anew=self._fresh))
            self._fresh = False
        if new:
            await self._ask(events_pb2.CallWatch(call_ids=new, anew=True))
        if rest := [each for each in self.board.opened if each not in new]:
            await self._ask(events_pb2.CallWatch(call_ids=rest))
        now = time.monotonic()
        try:
            if now - self._looked > LOOK_S:
                self._looked = now
                self.board.let_go(now)
                await self._compare(everybody)
            await self._feel()
        except ParleyError as e:
            log.warning("the stored calls cannot be looked at", error=str(e))
        except Exception as e:  # who looks at calls is told of them all the same
            log.error("looking at the stored calls failed", error=type(e).__name__, exc_info=e)

    async def _feel(self) -> None:
        """How callers sounded since the last look."""
        since_ms = self._felt_ms or int(time.time() * 1000) - FELT_MS
        for call_id, at_ms, emotion in await self._beside.felt_since(self.board.ids(), since_ms):
            self._felt_ms = max(self._felt_ms, at_ms - LATE_MS)
            self.board.felt(call_id, emotion, at_ms)

    async def _ask(self, watch: events_pb2.CallWatch) -> None:
        await self._bus.publish(WATCH, watch.SerializeToString())

    async def _compare(self, everybody: bool) -> None:
        """The board with the stored states."""
        ids = await self._store.calls()
        there = set(ids)
        for call_id in self.board.silent(time.monotonic(), SILENT_S):
            if call_id not in there:
                self.board.gone(call_id)
        for call_id in [each for each in self.board.opened if each not in there and each not in self.board]:
            self.board.gone(call_id)
        if everybody:
            await self._read([each for each in ids if each not in self.board][:MAX_CALLS])

    async def _read(self, ids: list[str]) -> None:
        room = asyncio.Semaphore(READ_AT_ONCE)

        async def one(call_id: str) -> None:
            async with room:
                try:
                    if (found := await self._store.read(call_id)) is not None:
                        self.board.stored(found[0], int(time.time() * 1000))
                except ParleyError:
                    return  # damaged, or not to be had now

        await asyncio.gather(*(one(call_id) for call_id in ids))

    async def visit(self) -> Board:
        """All calls as they stand now. Raises Unavailable while NATS is away."""
        self._reachable()
        asked = not self.watched
        self._visited = max(self._visited, time.monotonic() + VISIT_S)
        if asked:
            self._wake.set()
        ids = (await self._store.calls())[:SHOWN]
        until = time.monotonic() + TELL_S
        while time.monotonic() < until and any(each not in self.board for each in ids):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await self._read([each for each in ids if each not in self.board])
        return self.board

    async def caller_of(self, call_id: str) -> str:
        """The number of a call that is up. Raises NotFound, Unavailable."""
        self._reachable()
        return (await self._up(call_id)).state.caller_pii

    async def _up(self, call_id: str) -> events_pb2.StoredCall:
        found = await self._store.read(call_id)
        if found is None or found[0].state.floor.WhichOneof("floor") == "ended":
            raise NotFound("path.call_id: this call is not up; /api/calls has its record, if there was one")
        return found[0]

    def follow_all(self) -> None:
        """A client is about to follow all calls. Raises AtCapacity, Unavailable."""
        self._reachable()
        refuse_over(self.board.clients)
        if not self.watched:
            self._looked = 0.0
        self._wake.set()

    async def follow(self, call_id: str) -> Opened:
        """A client is about to follow this call. Raises NotFound, AtCapacity, Unavailable."""
        self._reachable()
        refuse_over(self.board.clients)
        stored = await self._up(call_id)
        if call_id not in self.board.opened and len(self.board.opened) >= MAX_OPEN:
            raise AtCapacity(f"{MAX_OPEN} calls are looked at here now; close one, or ask another replica")
        opened = self.board.open(call_id)
        self.board.stored(stored, int(time.time() * 1000))
        self.board.fill(call_id, stored)
        if not opened.known:
            self._new.add(call_id)
        self._wake.set()
        return opened

    def _reachable(self) -> None:
        if not self._bus.connected:
            raise Unavailable("NATS is away: calls go on, and cannot be looked at; try again")
