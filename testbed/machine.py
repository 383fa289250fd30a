"""Whether the machine gave the product time: a call that is judged in real time must have been played in real time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TRIES = 5

WAITED = 0.02
"""Share of a call's time that a process was ready to run and no core was free: above it the machine had no time."""


def waits(pids: Iterable[int]) -> dict[int, float]:
    """Seconds that each process has waited for a core since it began. Source: Linux, /proc/PID/schedstat.

    Processes that are gone, and systems that do not tell, are left out.
    """
    found = {}
    for pid in pids:
        try:
            found[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            continue
    return found


def waited(before: dict[int, float], after: dict[int, float], seconds: float) -> float:
    """The share of this time that the process waited which waited most."""
    return max((after[pid] - before[pid] for pid in after if pid in before), default=0.0) / max(seconds, 1e-3)


async def in_real_time(pids: Iterable[int], play: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """What `play` gives; played again when that is not right and the machine had no time for these processes."""
    pids = list(pids)
    for _ in range(TRIES):
        before, began = waits(pids), time.monotonic()
        outcome = await play()
        if right(outcome) or waited(before, waits(pids), time.monotonic() - began) <= WAITED:
            break
    return outcome
