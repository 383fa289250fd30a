"""Whether this process stood still: frozen, swapped out, starved, its loop held up.

What waited for it meanwhile (a beat, audio, words, timers) is late, and looks like somebody else's silence. Who is
about to take silence for a fact asks `awake_since`, with what he himself can bear. Times are `time.monotonic`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from math import inf

import structlog
from prometheus_client import Counter, Gauge, Histogram

log = structlog.get_logger()

BEAT_S = 0.1
NOTICED_S, LONG_S = 0.1, 1.0
_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

LATE = Histogram("voice_late_ms", "How late this process's own heartbeat came", buckets=_MS)
AGE = Gauge("voice_heartbeat_age_seconds", "How long ago the heart beat last; large while the event loop stands still")
STANDSTILLS = Counter("voice_standstills_total", "Times this process stood still for over a second")


class Heartbeat:
    """One for the process. While nobody runs `beat` nothing is noticed."""

    def __init__(self) -> None:
        self._beaten = inf
        self._stood: deque[tuple[float, float]] = deque(maxlen=16)  # nobody asks for one older than a second

    async def beat(self) -> None:
        """Run this beside everything else: `parley.rpc.Server` does."""
        AGE.set_function(lambda: max(time.monotonic() - self._beaten, 0.0))
        try:
            while True:
                LATE.observe(max(self._look(), 0.0) * 1000)
                self._beaten = time.monotonic()
                await asyncio.sleep(BEAT_S)
        finally:
            self._beaten = inf

    def awake_since(self, over_s: float) -> float:
        """The end of the last standstill of more than `over_s` (at least 0.1) behind a beat that was due; 0 when there
        was none. One that is up to a beat longer than that may go unseen."""
        self._look()  # whoever runs first behind a standstill may ask before the heart has beaten
        return max((until for until, late_s in self._stood if late_s > over_s), default=0.0)

    def _look(self) -> float:
        now = time.monotonic()
        late_s = now - self._beaten - BEAT_S
        if late_s > NOTICED_S:
            self._stood.append((now, late_s))
            self._beaten = now
        if late_s > LONG_S:
            STANDSTILLS.inc()
            log.warning("the process stood still", seconds=round(late_s, 1))
        return late_s


HEART = Heartbeat()
