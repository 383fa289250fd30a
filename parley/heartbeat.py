"""Whether this process stood still: frozen, swapped out, starved, its loop held up.

What waited for it meanwhile (a beat, audio, words, timers) is late, and looks like somebody else's silence. Who is
about to take silence for a fact asks `awake_since`, with what he himself can bear.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from weakref import WeakKeyDictionary

import structlog
from prometheus_client import Counter, Histogram

log = structlog.get_logger()

BEAT_S = 0.05
NOTICED_S, LONG_S = 0.1, 1.0
KEPT = 16
"""Standstills remembered; nobody asks for one that is older than a second."""

LATE = Histogram(
    "voice_late_ms",
    "How late this process's own heartbeat came",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
STANDSTILLS = Counter("voice_standstills_total", "Times this process stood still for over a second")


class Heartbeat:
    """Of one event loop. Times are those of `time.monotonic`."""

    def __init__(self) -> None:
        self.beaten_by = 0
        self._beaten = time.monotonic()
        self._stood: deque[tuple[float, float]] = deque(maxlen=KEPT)

    async def beat(self) -> None:
        while True:
            LATE.observe(max(self._look(), 0.0) * 1000)
            self._beaten = time.monotonic()
            await asyncio.sleep(BEAT_S)

    def awake_since(self, over_s: float) -> float:
        """The end of the last standstill of more than `over_s`; 0 when there was none."""
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


_hearts: WeakKeyDictionary[asyncio.AbstractEventLoop, Heartbeat] = WeakKeyDictionary()


async def beat() -> None:
    """Run this beside everything else: `parley.rpc.Server` does."""
    loop = asyncio.get_running_loop()
    heart = _hearts.setdefault(loop, Heartbeat())
    heart.beaten_by += 1
    try:
        await heart.beat()
    finally:
        heart.beaten_by -= 1
        if not heart.beaten_by:  # of tests' several servers, the last: a heart that nobody beats would tell lies
            del _hearts[loop]


def awake_since(over_s: float) -> float:
    """Since when this process has not stood still for more than `over_s` (at least 0.1), in `time.monotonic`.

    0: it never did, or nobody runs `beat`.
    """
    heart = _hearts.get(asyncio.get_running_loop())
    return heart.awake_since(over_s) if heart is not None else 0.0
