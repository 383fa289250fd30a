"""An event loop for real work in made-up time.

    threads at work (a database, embeddings, a tool)    time stands still until they are done
    sockets waited for (a vendor, an HTTP tool)         time passes as it does
    programs of which nothing is asked (MCP servers)    nobody waits for their pipes
    everybody waits for a timer                         time jumps there

So a tool that sleeps for a minute costs nothing, a slow machine makes nobody late, and a vendor's model is as slow as
it is. The time of the call, of `time.monotonic` and of the tools is one, and begins where the conversation says.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from math import inf
from queue import SimpleQueue
from typing import Any, TypeVar
from unittest import mock

import aiosqlite.core

from parley.process.heartbeat import HEART
from services.orchestrator.run import clock
from services.tools.execution.threads import Threads

T = TypeVar("T")

STANDS_STILL_S = 10.0
"""Threads that are at work for longer without a sign wait for something themselves: then time passes as it does."""
_real = time.monotonic


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.working = 0
        self.own = 0  # sockets of the loop itself
        self.pipes: list[asyncio.BaseTransport] = []
        self.resting: Callable[[], bool] = lambda: False

    def _waited_for(self) -> bool:
        """Whether somebody waits for what others send."""
        left = len(self.get_map()) - self.own
        if left > 0 and self.resting():
            self.pipes = [pipe for pipe in self.pipes if not pipe.is_closing()]
            left -= sum(pipe.get_extra_info("pipe") in self.get_map() for pipe in self.pipes)
        return left > 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        began = _real()
        if self.working:
            if not (ready := super().select(STANDS_STILL_S)):
                self.now += _real() - began
        elif timeout is None or self._waited_for():
            ready = super().select(timeout)
            self.now += _real() - began
        else:
            self.now += timeout
        return ready


class EvalLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._paced = _Selector()
        super().__init__(self._paced)
        self._paced.own = len(self._paced.get_map())

    def time(self) -> float:
        return self._paced.now

    async def connect_read_pipe(self, protocol_factory: Any, pipe: Any) -> Any:
        return self._noted(await super().connect_read_pipe(protocol_factory, pipe))

    async def connect_write_pipe(self, protocol_factory: Any, pipe: Any) -> Any:
        return self._noted(await super().connect_write_pipe(protocol_factory, pipe))

    def _noted(self, made: Any) -> Any:
        self._paced.pipes.append(made[0])
        return made

    def rest_while(self, resting: Callable[[], bool]) -> None:
        """While it says so, nobody waits for the pipes of programs."""
        self._paced.resting = resting

    @contextmanager
    def working(self) -> Iterator[None]:
        """A thread is at work for whoever is inside."""
        self._paced.working += 1
        try:
            yield
        finally:
            self._paced.working -= 1

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self.until_done(future)
        return future

    def until_done(self, future: asyncio.Future[Any]) -> None:
        """A thread is at work until the future has its result."""
        self._paced.working += 1

        def over(_: object) -> None:
            self._paced.working -= 1

        future.add_done_callback(over)


class _Statements(SimpleQueue[Any]):
    """What is given to aiosqlite's thread: (future, function), of every statement."""

    def put_nowait(self, item: Any) -> None:
        future = item[0]
        if future is not None and isinstance(loop := future.get_loop(), EvalLoop):
            loop.until_done(future)
        super().put_nowait(item)


async def _run_in_thread(self: Threads, function: Callable[[], Any]) -> Any:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, EvalLoop):
        return await _RUN(self, function)
    with loop.working():
        return await _RUN(self, function)


_RUN = Threads.run


class Pace:
    """One loop, and all that runs in it. `at(seconds since 1970)` says what time it is; from there on it passes."""

    def __init__(self) -> None:
        self._loop = EvalLoop()
        self._began = 0.0

    def at(self, epoch_s: float) -> None:
        self._began = epoch_s - self._loop.time()
        clock._START = self._began

    def rest_while(self, resting: Callable[[], bool]) -> None:
        """While it says so, nobody waits for the programs that were started in this loop."""
        self._loop.rest_while(resting)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._began + self._loop.time()

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """To its end, in this loop. Whoever else asks for the time meanwhile, in this process, is told the same."""
        with ExitStack() as stack:
            for target, name, value in (
                (time, "monotonic", self._loop.time),
                (aiosqlite.core, "SimpleQueue", _Statements),
                (Threads, "run", _run_in_thread),
                (clock, "_START", clock._START),
                (HEART, "_beaten", inf),  # how the process stood still in real time is nothing here
                (HEART, "_stood", deque()),
            ):
                stack.enter_context(mock.patch.object(target, name, value))
            return self._loop.run_until_complete(what)

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
