"""What a process makes of its settings, when these change: new calls have the newest, a call keeps what it began with.

    voices = Generations(Synthesis.of(settings), close=Synthesis.aclose)
    voices.take(Synthesis.of(changed))
    with voices.of(call_id) as synthesis: ...

A call is known by its id, in this process: whoever comes to another replica in mid-call has what is newest there.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet

log = structlog.get_logger()

MOST = 4
"""Of one kind at a time. Over it the calls of the oldest go on with the newest."""
UNUSED_S = 900.0
"""What no call wanted for so long is closed: a caller who says nothing for longer is gone."""
CALLS = 20_000
"""Calls that are remembered; over it those that were heard of longest ago go on with the newest."""
LOOK_S = 5.0

_moved = Counter("voice_calls_reconfigured_total", "Calls that could not keep the settings they began with")

Made = TypeVar("Made")


class _Generation(Generic[Made]):
    def __init__(self, made: Made, now: float) -> None:
        self.made = made
        self.active = 0
        self.used_at = now
        self.left = False


class Generations(Generic[Made]):
    """Of one process. `close` is told what nobody uses any more."""

    def __init__(
        self, first: Made, close: Callable[[Made], Awaitable[None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._close = close
        self._clock = clock
        self._all = [_Generation(first, clock())]
        self._calls: OrderedDict[str, _Generation[Made]] = OrderedDict()
        self._tasks = TaskSet(lambda e: log.error("what was configured before could not be closed", exc_info=e))
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def newest(self) -> Made:
        return self._all[-1].made

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def of(self, call_id: str) -> Iterator[Made]:
        """For a call, or for a part of one. Not closed while the body runs."""
        found = self._of(call_id)
        found.active += 1
        try:
            yield found.made
        finally:
            found.active -= 1
            found.used_at = self._clock()

    def take(self, made: Made) -> None:
        """New calls have this."""
        self._all.append(_Generation(made, self._clock()))
        for oldest in self._all[:-MOST]:
            if not oldest.left:
                oldest.left = True
                _moved.inc(sum(each is oldest for each in self._calls.values()))
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._tasks.spawn(self._sweep())

    async def look(self) -> None:
        """Close what nobody uses any more."""
        now = self._clock()
        for each in self._all[:-1]:
            if not each.active and (each.left or now - each.used_at > UNUSED_S):
                self._all.remove(each)
                await self._close(each.made)

    async def aclose(self) -> None:
        await self._tasks.close()
        while self._all:
            await self._close(self._all.pop().made)

    def _of(self, call_id: str) -> _Generation[Made]:
        newest = self._all[-1]
        if not call_id:
            return newest
        found = self._calls.get(call_id)
        if found is None or found.left or found not in self._all:
            found = self._calls[call_id] = newest
        self._calls.move_to_end(call_id)
        if len(self._calls) > CALLS:
            self._calls.popitem(last=False)
        return found

    async def _sweep(self) -> None:
        while len(self._all) > 1:
            await asyncio.sleep(LOOK_S)
            await self.look()
