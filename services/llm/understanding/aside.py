"""A thread with a loop of its own, for work that must not hold up the loop that serves calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from prometheus_client import Counter, Gauge

from parley.errors import AtCapacity

T = TypeVar("T")

WAITING = Gauge("voice_understanding_waiting", "Turns of callers that wait to be understood, or are")
REFUSED = Counter("voice_understanding_refused_total", "Turns that were not taken: so many waited already")


class Aside:
    """`most`: so much work is under way at once, the rest is refused. Within the thread one computation runs at a time:
    `compute` is the loop's own executor of one thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What comes of `work`, awaited on the other loop. Raises AtCapacity, and what it raises."""
        if self._waiting >= self._most:
            REFUSED.inc()
            raise AtCapacity(f"{self._waiting} turns wait to be understood here: ask another replica, or later")
        self._waiting += 1
        WAITING.set(self._waiting)
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(work), self._running()))
        finally:
            self._waiting -= 1
            WAITING.set(self._waiting)

    async def aclose(self) -> None:
        """Let the thread go. Work that is under way is cancelled."""
        if self._loop is None or self._thread is None:
            return
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_default_executor(ThreadPoolExecutor(1, "understanding-compute"))
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name="understanding", daemon=True)
            self._thread.start()
        return self._loop


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
