"""Watchers at work: each follows the events by a place of its own that outlives the process.

An event's own fault is told from an outage by what the function raises. A retryable ParleyError (`Unavailable` and the
like) is an outage: the event is held, and tried again in place, for up to OUTAGE_S. Anything else is a failed try: the
event is given back and comes again after a wait, the rest goes on; after `tries` it is a dead letter.

Each event is told at least once: a process that dies is told again what it had not acknowledged. Who must not do
things twice remembers `Happening.id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parley.aio import background
from parley.bus import Bus
from parley.bus.streams.dead_letters import DeadLetters
from parley.errors import BadInput
from parley.watching.runner import ACK_WAIT_S, Runner
from parley.watching.watcher import Watcher


class Watching:
    """Raises BadInput: two watchers have the same name. `ack_wait_s`: what a dead process had comes again so late."""

    def __init__(self, bus: Bus, watchers: Sequence[Watcher], *, ack_wait_s: float = ACK_WAIT_S) -> None:
        names = [each.name for each in watchers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"watchers: {', '.join(twice)} is there twice; each needs a name of its own")
        letters = DeadLetters(bus)
        self._runners = [Runner(bus, each, letters, ack_wait_s) for each in watchers]

    async def run(self) -> None:
        """For ever. NATS may be away, and the streams not made yet: it is waited for."""
        async with background(*(runner.run() for runner in self._runners)) as tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
