"""An event loop whose time passes when everybody waits: a minute of waiting costs nothing. No sockets, no threads."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


class StuckForEver(AssertionError):
    """Everybody waits, and no time will wake anybody."""


class _Skipping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise StuckForEver
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run(what: Coroutine[Any, Any, T]) -> T:
    """To its end, in a loop of its own, whose time is everybody's `time.monotonic`."""
    loop = VirtualLoop()
    with mock.patch.object(time, "monotonic", loop.time):
        try:
            return loop.run_until_complete(what)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
