"""How a process is hurt, and when it is well again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from cli.stack import Stack

BACK_S = 30.0
"""A killed process is serving again within so long."""
SETTLED_S = 0.7
"""Its callers' next beat tells them."""

Heal = Callable[[], Awaitable[None]]
Strike = Callable[[Stack, str], Heal]


def kill(stack: Stack, name: str) -> Heal:
    """SIGKILL; it is started anew by itself."""
    pid = stack.all_pids()[name]
    os.kill(pid, signal.SIGKILL)

    async def heal() -> None:
        await stack.restarted(name, pid, BACK_S)
        await serving(stack, name)

    return heal


def nothing(stack: Stack, name: str) -> Heal:
    """For what is measured without a fault."""

    async def heal() -> None:
        return

    return heal


STRIKES: Mapping[str, Strike] = {"none": nothing, "kill": kill}


async def serving(stack: Stack, name: str) -> None:
    """Until a process takes connections again."""
    env = next(process.env for process in stack.plan.processes if process.name == name)
    host, _, port = env["PARLEY_LISTEN"].rpartition(":")
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLED_S)
