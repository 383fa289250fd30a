"""Runs of stand-in services, which start in a moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

from runner.plan import BACKOFFICE, ORGANS

FAKES = dict.fromkeys(ORGANS, "tests.run.fakes.organ") | dict.fromkeys(("gateway", BACKOFFICE), "tests.run.fakes.door")


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pids: Iterable[int], timeout_s: float) -> None:
    """Waits until none of them runs."""
    left = list(pids)
    async with asyncio.timeout(timeout_s):
        while left := [pid for pid in left if alive(pid)]:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would choose engines or ports."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PARLEY_", "REPLICAS"))}
