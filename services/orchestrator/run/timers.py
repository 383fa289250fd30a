"""The timers that a call has set: the newest of a name counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.orchestrator.run.clock import now_ms


class Timers:
    """`fire` is called with the name of one whose time has come."""

    def __init__(self, fire: Callable[[str], None]) -> None:
        self._fire = fire
        self._running: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, at_ms: int) -> None:
        self.cancel(name)
        delay_s = max(0.0, (at_ms - now_ms()) / 1000)
        self._running[name] = asyncio.get_running_loop().call_later(delay_s, self._over, name)

    def cancel(self, name: str) -> None:
        if (handle := self._running.pop(name, None)) is not None:
            handle.cancel()

    def stop(self) -> None:
        """All of them."""
        for name in tuple(self._running):
            self.cancel(name)

    def _over(self, name: str) -> None:
        del self._running[name]
        self._fire(name)
