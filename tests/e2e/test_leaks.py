"""Many short calls leave nothing behind: no task, no socket, no file, no memory, no state."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil
import pytest

from testbed.house import House
from testbed.telephone.phone import CallOver

pytestmark = [pytest.mark.realtime, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="session")]
AT_ONCE = 20
SETTLE_S = 60.0
"""Patience, for a slow machine too. A vendor that does not answer its connection being closed may hold a stream for
20 s; one that hangs never ends."""
MEMORY_MB = 4.0
"""Per process, beyond what it had after the warm-up: caches of words and connections still fill a little."""
MEMORY_PER_CALL_KB = 2.5


async def short_calls(house: House, count: int) -> None:
    """Each is dialled, the greeting begins, and the caller hangs up."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room, house.phone("plain").dial() as call:
            try:
                await call.until_bot_speaks(call.born)
            except CallOver:
                pytest.fail(f"call {call.sid} ended by itself: {call.ended_by}")

    await asyncio.gather(*(one() for _ in range(count)))


def held(pid: int) -> tuple[int, int, float]:
    """Open files, sockets among them, and resident MB of a process."""
    process = psutil.Process(pid)
    return process.num_fds(), len(process.net_connections()), process.memory_info().rss / 1e6


async def settled(house: House) -> dict[str, float]:
    """Tasks of each process, once no call is open and nothing changes any more."""
    before: dict[str, float] = {}
    deadline = time.monotonic() + SETTLE_S
    while True:
        await asyncio.sleep(0.5)
        tasks = await house.gauge("voice_tasks")
        streams = await house.gauge("voice_streams_active")
        quiet = not any(streams.values()) and not any((await house.gauge("voice_calls_active", "gateway")).values())
        if (quiet and tasks == before) or time.monotonic() > deadline:
            assert quiet, await tell(house)
            return tasks
        before = tasks


async def tell(house: House) -> str:
    """Who still holds what, and where its tasks stand."""
    streams = {name: held for name, held in (await house.gauge("voice_streams_active")).items() if held}
    calls = await house.gauge("voice_calls_active", "gateway")
    busy = [*streams, *house.stack.plan.names("gateway")]
    for name in busy:
        os.kill(house.stack.all_pids()[name], signal.SIGUSR1)
    await asyncio.sleep(1)
    lines = [line for name in busy for line in (house.stack.logs / f"{name}.log").read_text().splitlines()]
    return f"{streams} {calls}\n" + "\n".join(line for line in lines[-2000:] if "task" in line)[-8000:]


async def until_no_state(house: House, but: set[str]) -> None:
    """States of ended calls are purged after PARLEY_CALL_LINGER_S, 1 s here.

    `but`: those of calls before, whose owners were killed as they ended; the sweeper comes for them after a minute.
    """
    async with asyncio.timeout(SETTLE_S):
        while set(await house.states()) - but:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def check(house: House, warm_up: int, count: int) -> None:
    orphans = set(await house.states())
    await short_calls(house, warm_up)
    tasks = await settled(house)
    before = {name: held(pid) for name, pid in house.stack.all_pids().items()}
    began = time.monotonic()
    await short_calls(house, count)
    print(f"{count} calls, {AT_ONCE} at once: {time.monotonic() - began:.1f} s")
    after_tasks = await settled(house)
    await until_no_state(house, orphans)
    for name, pid in house.stack.all_pids().items():
        (files, sockets, mb), (now_files, now_sockets, now_mb) = before[name], held(pid)
        print(f"{name:15} fds {files} {now_files} sockets {sockets} {now_sockets} MB {mb:.1f} {now_mb:.1f}")
        assert now_files - files <= 4, f"{name}: files"
        assert now_sockets - sockets <= 4, f"{name}: sockets"
        if name != "nats":  # keeps what it stored in memory until its own collector runs
            assert now_mb - mb <= MEMORY_MB + count * MEMORY_PER_CALL_KB / 1000, f"{name}: memory"
    for name, number in after_tasks.items():
        assert abs(number - tasks[name]) <= 3, f"{name}: {tasks[name]} tasks before, {number} after"


async def test_five_hundred_short_calls_leave_nothing_behind(house: House) -> None:
    await check(house, warm_up=250, count=500)


@pytest.mark.soak
async def test_five_thousand_short_calls_leave_nothing_behind(house: House) -> None:
    await check(house, warm_up=250, count=5000)
