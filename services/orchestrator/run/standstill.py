"""Whether this process stood still: frozen, swapped out, starved. Its calls may have been given to others meanwhile.

What waited for it (words, timers, a model's answer) would be acted on as if nothing had happened. So it first listens
for a moment whether the gateways are still there.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from services.orchestrator.run.metrics import STANDSTILLS

log = structlog.get_logger()

BEAT_S = 0.2
STOOD_STILL_S = 1.0  # a gateway leaves an owner who is silent for 2 s
LISTEN_S = 0.3


class Standstill:
    """One for the process. Without `watch` nothing is noticed."""

    def __init__(self) -> None:
        self._beaten: float | None = None
        self._listens_until = 0.0

    async def watch(self) -> None:
        """Run this beside everything else."""
        while True:
            self.wait_s()
            self._beaten = time.monotonic()
            await asyncio.sleep(BEAT_S)

    def wait_s(self) -> float:
        """How long to listen before anything is done; 0: go on."""
        now = time.monotonic()
        if self._beaten is not None and now - self._beaten > STOOD_STILL_S:
            log.warning("the process stood still", seconds=round(now - self._beaten, 1))
            STANDSTILLS.inc()
            self._beaten, self._listens_until = now, now + LISTEN_S
        return max(0.0, self._listens_until - now)
