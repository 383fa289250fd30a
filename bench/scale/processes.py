"""A service as a process of its own, and what it uses."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from testbed.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


def cpu_s(*pids: int) -> float:
    """CPU seconds that processes and their children have used."""
    total = 0.0
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system
    return float(total)


def megabytes(*pids: int) -> float:
    """Resident."""
    return float(sum(psutil.Process(pid).memory_info().rss for pid in pids)) / 1e6


@asynccontextmanager
async def service(name: str, **env: str) -> AsyncIterator[tuple[int, int]]:
    """`python -m services.<name>`: its process id, and the port of its gRPC server (of the gateway: of its door)."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PARLEY_", "OTEL_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"services.{name}"),
        cwd=ROOT,
        env={**clean, "PARLEY_METRICS_PORT": "-1", "PARLEY_NATS_URL": "", **env},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                said = await process.stdout.readline()
                if not said:
                    raise SystemExit(f"{name} does not start")
                line = json.loads(said)
                if line["event"] == "serving":
                    break
        draining = asyncio.ensure_future(process.stdout.read())  # so that its log never fills the pipe
        yield process.pid, line["port"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    await draining
