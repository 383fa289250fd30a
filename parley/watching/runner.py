"""One watcher: what is delivered to it is told, tried again, or given up."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge

from parley.aio import TaskSet, background
from parley.bus.streams.dead_letters import AGAIN_STREAM, DeadLetters, Letter
from parley.bus.streams.following import Delivered, Following
from parley.errors import ParleyError, Unavailable
from parley.v1 import events_pb2
from parley.watching.kinds import Happening, happened, record_id
from parley.watching.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parley.bus import Bus

log = structlog.get_logger()

ACK_WAIT_S = 30.0
OUTAGE_S = 3600.0
"""So long an event is held while what the watcher needs is away; then it counts as a failed try."""
MAX_HALF_DONE = 1000
_told = Counter(
    "voice_watcher_records_total",
    "Event records by watcher and what became of them: done, again (given back for another try), dead",
    ["watcher", "outcome"],
)
_waits = Counter("voice_watcher_held_total", "Waits of watchers for something that is away", ["watcher"])
_behind = Gauge(
    "voice_watcher_behind", "Event records that a watcher was not told yet, when it was last told", ["watcher"]
)


@dataclass(frozen=True)
class _Work:
    """A record that was delivered, and what of it the watcher wants. `broken`: it cannot be read."""

    delivered: Delivered
    record_id: str
    call_id: str
    happenings: Sequence[Happening]
    stream: str
    broken: bool = False

    @property
    def key(self) -> str:
        return f"{self.stream}/{self.delivered.seq}"


class Runner:
    """`run` for ever."""

    def __init__(self, bus: Bus, watcher: Watcher, letters: DeadLetters, ack_wait_s: float = ACK_WAIT_S) -> None:
        self._watcher = watcher
        self._letters = letters
        self._ack_wait_s = ack_wait_s
        room = max(2 * watcher.at_once, watcher.together, 1)
        name = watcher.name
        self._events = Following(bus, f"watch-{name}", room=room, ack_wait_s=ack_wait_s, since=watcher.since)
        self._again = Following(bus, f"again-{name}", f"again.{name}", AGAIN_STREAM, room=room, ack_wait_s=ack_wait_s)
        self._in_hand: dict[str, Delivered] = {}
        self._half_done: OrderedDict[str, int] = OrderedDict()
        for outcome in ("done", "again", "dead"):
            _told.labels(name, outcome)

    async def run(self) -> None:
        try:
            follow = self._follow_together if self._watcher.together else self._follow
            work = follow(self._events, "events"), self._follow(self._again, "again"), self._keep()
            async with background(*work) as tasks:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:  # another replica need not wait until it is clear that this one has gone
            in_hand = list(self._in_hand.values())
            await asyncio.gather(*(each.again(0.0) for each in in_hand), self._events.close(), self._again.close())

    async def _keep(self) -> None:
        """What is in hand for long is not delivered to another meanwhile."""
        while True:
            await asyncio.sleep(self._ack_wait_s / 3)
            for delivered in list(self._in_hand.values()):
                await delivered.working()

    async def _follow(self, following: Following, stream: str) -> None:
        """One by one: the records of a call in their order, those of other calls beside them."""
        tasks = TaskSet(lambda e: log.error("a watcher's own work broke", watcher=self._watcher.name, exc_info=e))
        last: dict[str, asyncio.Task[None]] = {}
        room = asyncio.Semaphore(self._watcher.at_once)

        async def work_off(work: _Work, before: asyncio.Task[None] | None) -> None:
            try:
                with self._held(work):
                    if before is not None:
                        await asyncio.wait({before})
                    await self._work(work)
            finally:
                room.release()
                if last.get(work.call_id) is asyncio.current_task():
                    del last[work.call_id]

        try:
            while True:
                for delivered in await following.next(self._watcher.at_once):
                    work = self._read(delivered, stream)
                    if not (work.happenings or work.broken):
                        await delivered.done()
                        continue
                    self._in_hand[work.key] = delivered
                    await room.acquire()
                    last[work.call_id] = tasks.spawn(work_off(work, last.get(work.call_id)))
        finally:
            await tasks.close()

    async def _follow_together(self, following: Following, stream: str) -> None:
        while True:
            batch = [self._read(each, stream) for each in await following.next(self._watcher.together)]
            wanted = [work for work in batch if work.happenings or work.broken]
            for work in batch:
                if work not in wanted:
                    await work.delivered.done()
            fresh = [work for work in wanted if not work.broken and work.delivered.tries == 1]
            told = [happening for work in fresh for happening in work.happenings]
            for work in wanted:
                self._in_hand[work.key] = work.delivered
            fine = bool(told) and not await self._try(told)
            for work in wanted:
                with self._held(work):
                    if fine and work in fresh:
                        await self._done(work)
                    else:
                        await self._work(work)

    @contextmanager
    def _held(self, work: _Work) -> Iterator[None]:
        """Let go of it only when it was told, given back or given up: else whoever stops this gives it back."""
        self._in_hand[work.key] = work.delivered
        yield
        self._in_hand.pop(work.key, None)

    def _read(self, delivered: Delivered, stream: str) -> _Work:
        if stream == "events":
            _behind.labels(self._watcher.name).set(delivered.behind)
        try:
            record = events_pb2.EventRecord.FromString(delivered.data)
        except DecodeError:
            call_id = delivered.subject.split(".")[1]
            return _Work(delivered, f"{stream}/{delivered.seq}", call_id, (), stream, broken=True)
        wanted = [happening for happening in happened(record) if self._watcher.wants(happening)]
        return _Work(delivered, record_id(record), record.call_id, wanted, stream)

    async def _work(self, work: _Work) -> None:
        tries = work.delivered.tries
        if work.broken:
            await self._bury(work, "this is no event record")
        elif tries > self._watcher.tries:
            await self._bury(work, f"given up: it was given out {tries - 1} times and never came back")
        elif error := await self._tell(work):
            if tries >= self._watcher.tries:
                await self._bury(work, error)
            else:
                _told.labels(self._watcher.name, "again").inc()
                await work.delivered.again(self._watcher.wait_s(tries))
        else:
            await self._done(work)

    async def _tell(self, work: _Work) -> str:
        """All that is wanted of a record. What went well at the try before, in this process, is not told again."""
        if self._watcher.together:
            return await self._try(list(work.happenings))
        first = self._half_done.pop(work.key, 0)
        for place, happening in enumerate(work.happenings):
            if place >= first and (error := await self._try(happening)):
                self._half_done[work.key] = place
                while len(self._half_done) > MAX_HALF_DONE:
                    self._half_done.popitem(last=False)
                return error
        return ""

    async def _try(self, told: Any) -> str:
        """Why it failed; "": it did not. While something it needs is away it is tried again in place."""
        waited, tries = 0.0, 0
        while True:
            try:
                async with asyncio.timeout(self._watcher.timeout_s):
                    await self._watcher.act(told)
                return ""
            except ParleyError as e:
                if not e.retryable or waited >= OUTAGE_S:
                    return _said(e)
            except TimeoutError:
                return f"it took longer than {self._watcher.timeout_s:g} s"
            except Exception as e:
                log.warning("a watcher failed", watcher=self._watcher.name, error=type(e).__name__, where=_where(e))
                return _said(e)
            tries += 1
            pause = self._watcher.wait_s(tries)
            waited += pause
            _waits.labels(self._watcher.name).inc()
            await asyncio.sleep(pause)

    async def _done(self, work: _Work) -> None:
        _told.labels(self._watcher.name, "done").inc()
        await work.delivered.done()

    async def _bury(self, work: _Work, error: str) -> None:
        """A dead letter; where NATS does not take it, later."""
        kinds = tuple(dict.fromkeys(happening.kind for happening in work.happenings))
        delivered = work.delivered
        letter = Letter(
            self._watcher.name,
            work.record_id,
            work.call_id,
            kinds,
            error,
            delivered.tries,
            int(time.time() * 1000),
            delivered.data,
        )
        try:
            await self._letters.put(letter, f"{self._watcher.name}/{work.key}")
        except Unavailable:
            await delivered.again(self._watcher.wait_s(delivered.tries))
            return
        _told.labels(self._watcher.name, "dead").inc()
        log.error("an event is a dead letter", watcher=self._watcher.name, call_id=work.call_id, tries=delivered.tries)
        self._half_done.pop(work.key, None)
        await delivered.done()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _where(error: Exception) -> str:
    """The line that raised it. Its text is for the dead letter alone: it may quote the caller."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
