"""Backoffice as a process: it starts without NATS, says how it is, and stops when asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import orjson

from testbed.patience import PATIENCE_S


@asynccontextmanager
async def backoffice(data_dir: Path, **env: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.backoffice",
        env={**os.environ, "PARLEY_BACKOFFICE_PORT": "0", "PARLEY_DATA_DIR": str(data_dir), **env},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (line := orjson.loads(await process.stdout.readline()))["event"] != "serving":
                pass
        yield process, f"http://127.0.0.1:{line['port']}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(client: httpx.AsyncClient) -> None:
    """Wait until it takes requests."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/ready")).is_success:
                    return
            await asyncio.sleep(0.05)


async def test_it_starts_without_nats_and_stops_when_asked(tmp_path: Path) -> None:
    async with backoffice(tmp_path, PARLEY_NATS_URL="nats://127.0.0.1:1") as (process, url):
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
            await ready(client)
            assert (await client.get("/health")).json() == {"status": "ok"}
            assert "voice_nats_connected 0.0" in (await client.get("/metrics")).text
            elsewhere = await client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"})
            assert elsewhere.status_code == 403
            assert (await client.get("/docs")).status_code == 404
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
