"""How a process is hurt, and when it is well again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from runner.stack import Stack
from testbed.chaos.wires import Wires

LASTS_S = 5.0
"""A process stands still, or is cut off, for so long."""
BACK_S = 30.0
"""A process that ended is serving again within so long."""
SETTLED_S = 0.7
"""Its callers' next beat tells them."""
NATS_SETTLED_S = 2.5

Heal = Callable[[], Awaitable[None]]
Strike = Callable[[Stack, Wires, str], Heal]


def nothing(stack: Stack, wires: Wires, name: str) -> Heal:
    """For what is measured without a fault."""

    async def heal() -> None:
        return

    return heal


def kill(stack: Stack, wires: Wires, name: str) -> Heal:
    """SIGKILL; it is started anew by itself."""
    return _ends(stack, name, signal.SIGKILL)


def restart(stack: Stack, wires: Wires, name: str) -> Heal:
    """SIGTERM, as in a rolling restart: it hands over, ends, and is started anew."""
    return _ends(stack, name, signal.SIGTERM)


def freeze(stack: Stack, wires: Wires, name: str) -> Heal:
    """SIGSTOP, and SIGCONT after 5 s."""
    pid = stack.all_pids()[name]
    os.kill(pid, signal.SIGSTOP)
    thawed = asyncio.Event()

    def thaw() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        thawed.set()

    asyncio.get_running_loop().call_later(LASTS_S, thaw)
    return _settled(thawed)


def cut(stack: Stack, wires: Wires, name: str) -> Heal:
    """Nothing passes between it and its callers for 5 s, in either direction; then all that waited arrives."""
    wires.of[name].cut()
    healed = asyncio.Event()

    def heal() -> None:
        wires.of[name].heal()
        healed.set()

    asyncio.get_running_loop().call_later(LASTS_S, heal)
    return _settled(healed)


STRIKES: Mapping[str, Strike] = {"none": nothing, "kill": kill, "freeze": freeze, "cut": cut, "restart": restart}


def _ends(stack: Stack, name: str, number: signal.Signals) -> Heal:
    pid = stack.all_pids()[name]
    os.kill(pid, number)

    async def heal() -> None:
        await stack.restarted(name, pid, BACK_S)
        await serving(stack, name)

    return heal


def _settled(over: asyncio.Event) -> Heal:
    async def heal() -> None:
        await over.wait()
        await asyncio.sleep(2 * SETTLED_S)

    return heal


async def serving(stack: Stack, name: str) -> None:
    """Until a process takes connections again."""
    process = next(process for process in stack.plan.processes if process.name == name)
    door = process.env.get("PARLEY_GATEWAY_PORT")
    address = f"127.0.0.1:{door}" if door else process.env.get("PARLEY_LISTEN", "")
    if process.service == "nats":
        await asyncio.sleep(NATS_SETTLED_S)
        return
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLED_S)
