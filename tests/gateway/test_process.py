"""`python -m services.gateway`: one line for what is wrong, and SIGTERM ends it well."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process

import httpx
import pytest

from testbed.patience import PATIENCE_S


async def gateway(**environment: str) -> Process:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "TWILIO_"))}
    env = {**kept, "PARLEY_NATS_URL": "nats://127.0.0.1:1", "PARLEY_LOG_LEVEL": "info", **environment}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway", stdout=PIPE, stderr=PIPE, env=env
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PARLEY_CAPACITY", "many"), ("PARLEY_GATEWAY_HOST", "203.0.113.77"), ("PARLEY_GATEWAY_PORT", "taken")],
)
async def test_a_wrong_setting_is_one_line(variable: str, value: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        if value == "taken":
            value = str(taken.getsockname()[1])
        process = await gateway(**{variable: value})
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    lines = err.decode().strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("parley gateway:")
    assert "PARLEY_" in lines[0]


async def test_sigterm_ends_an_idle_gateway_at_once() -> None:
    process = await gateway(PARLEY_GATEWAY_PORT="0")
    assert process.stdout is not None
    port = 0
    async with asyncio.timeout(PATIENCE_S):
        while not port:
            line = (await process.stdout.readline()).decode()
            if '"serving"' in line:
                port = int(line.split('"port":')[1].split(",")[0].strip(" }\n"))
    async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                assert (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0
