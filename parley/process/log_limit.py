"""A warning that would come ten times a second, told once and then every 30 s."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger()

EVERY_S = 30.0


class Seldom:
    """Warnings of one kind of trouble. `over` when the trouble is: the next one is told at once again. `patience_s`:
    what passes in this time, as at a start, is told as information."""

    def __init__(
        self, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic, patience_s: float = 0.0
    ) -> None:
        self._every_s = every_s
        self._patience_s = patience_s
        self._began: dict[str, float] = {}
        self._clock = clock
        self._told: dict[str, float] = {}  # by message, of which there are few: they are static text
        self._kept: dict[str, int] = {}

    def warning(self, message: str, **values: object) -> None:
        """Log it, or count it towards the `times` of the next one that is logged."""
        now = self._clock()
        last = self._told.get(message)
        self._kept[message] = self._kept.get(message, 0) + 1
        first = message not in self._began
        lasts = now - self._began.setdefault(message, now) >= self._patience_s
        if not lasts:
            if first:
                log.info(message, **values)
            return
        if last is not None and now - last < self._every_s:
            return
        self._told[message] = now
        log.warning(message, times=self._kept.pop(message), **values)

    def over(self) -> None:
        self._began.clear()
        self._told.clear()
        self._kept.clear()
