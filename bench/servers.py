"""The servers under measurement, all on core 0: Parley's processes, or the bare bot. CPU and memory by service."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from runner.stack import Stack

SERVER_CORE, CALLER_CORE = 0, 1
AGENTS = Path(__file__).parent / "agents"


def on_the_callers_core() -> None:
    """This process, and what it starts, from now on."""
    os.sched_setaffinity(0, {CALLER_CORE})


@dataclass(frozen=True)
class Usage:
    """CPU seconds and resident bytes of one service, its children included."""

    cpu_s: float
    rss: int


class Served(Protocol):
    """A server that takes calls at `url`; `usage` tells what each of its services has used so far."""

    url: str

    @property
    def pid(self) -> int:
        """The process that all others descend from."""

    def usage(self) -> dict[str, Usage]: ...


def _used(pids: list[int]) -> Usage:
    cpu, rss = 0.0, 0
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            times = process.cpu_times()
            cpu += times.user + times.system
            rss += process.memory_info().rss
    return Usage(cpu, rss)


def stolen() -> tuple[int, int]:
    """Time the host took from this machine, and all time, in ticks since its start. A noisy host spoils figures."""
    with open("/proc/stat") as stat:
        ticks = [int(n) for n in stat.readline().split()[1:9]]
    return ticks[7], sum(ticks)


@dataclass
class Parley:
    url: str
    stack: Stack

    @property
    def pid(self) -> int:
        return self.stack.all_pids()["supervisord"]

    def usage(self) -> dict[str, Usage]:
        services = sorted({name.rsplit("-", 1)[0] for name in self.stack.all_pids()})
        return {service: _used(self.stack.pids(service)) for service in services}


@asynccontextmanager
async def parley(
    env: Mapping[str, str], data_dir: Path, *, tls: bool = False, backoffice: bool = False
) -> AsyncIterator[Parley]:
    """Every process that calls need, nats-server included, on core 0. With `backoffice` that too, on the same core."""
    os.sched_setaffinity(0, {SERVER_CORE})  # what is started now stays there
    env = {**env, "PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_AGENT": "bench", "PARLEY_LOG_LEVEL": "warning"}
    stack = Stack(data_dir=data_dir, env=env, tls=tls, backoffice=backoffice)
    await stack.__aenter__()
    on_the_callers_core()
    try:
        yield Parley(stack.gateway_url, stack)
    finally:
        await stack.__aexit__(None, None, None)


@dataclass
class Bare:
    url: str
    pid: int

    def usage(self) -> dict[str, Usage]:
        return {"bare": _used([self.pid])}


@asynccontextmanager
async def bare(env: Mapping[str, str]) -> AsyncIterator[Bare]:
    """The one-process bot, on core 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE
    )
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield Bare(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        await process.wait()
