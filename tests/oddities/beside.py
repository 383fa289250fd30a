"""Something asynchronous that runs beside the plain tests of a file, in a thread with a loop of its own.

Hypothesis calls its tests many times from plain functions; what they play against is opened once, in one task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
START_S = 120.0


class Beside(Generic[T]):
    """`with Beside(make) as beside: beside.run(coroutine)`. `it` is what `make()` gave."""

    it: T

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._leave = asyncio.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._live, name="beside", daemon=True)

    def run(self, coroutine: Coroutine[Any, Any, R], timeout_s: float = 60.0) -> R:
        """The coroutine's result; it runs over there. Raises what it raises, and TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._stay())
        except BaseException as e:
            self._failed = e
        self._ready.set()

    async def _stay(self) -> None:
        async with self._make() as self.it:
            self._ready.set()
            await self._leave.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_S), "it did not start"
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(START_S)
        if self._failed is not None:
            raise self._failed
