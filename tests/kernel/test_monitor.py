"""What a machine is told of a process, also when its event loop does not turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import httpx
import pytest

from parley.errors import Misconfigured
from parley.process import monitor as monitors
from parley.process.monitor import Monitor
from parley.telemetry import CALLS_ACTIVE


@pytest.fixture
async def monitor() -> AsyncIterator[Monitor]:
    found = Monitor()
    found.listen("127.0.0.1", 0)
    yield found
    found.close()


async def get(monitor: Monitor, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{monitor.port}{path}")


async def test_ready_follows_what_the_service_says(monitor: Monitor) -> None:
    assert (await get(monitor, "/ready")).json() == {"status": "starting"}
    monitor.ready()
    assert (await get(monitor, "/ready")).status_code == 200
    monitor.draining()
    monitor.ready()
    draining = await get(monitor, "/ready")
    assert (draining.status_code, draining.json()) == (503, {"status": "draining"})
    assert (await get(monitor, "/health")).status_code == 200, "who drains is not to be killed"


async def test_a_loop_that_does_not_turn_is_told(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "ANSWER_S", 0.05)
    told: list[int] = []
    asking = threading.Thread(
        target=lambda: told.append(httpx.get(f"http://127.0.0.1:{monitor.port}/health", trust_env=False).status_code)
    )
    asking.start()
    asking.join()  # the loop waits here for whoever asks it
    assert told == [503]
    assert (await get(monitor, "/health")).status_code == 200


async def test_metrics_are_shown_and_nothing_else(monitor: Monitor) -> None:
    CALLS_ACTIVE.set(0)
    metrics = await get(monitor, "/metrics")
    assert "voice_calls_active" in metrics.text
    assert metrics.headers["content-type"].startswith("text/plain")
    assert (await get(monitor, "/")).status_code == 404


async def test_a_taken_port_is_named(monitor: Monitor) -> None:
    with pytest.raises(Misconfigured, match=f"PARLEY_METRICS_PORT: 127.0.0.1:{monitor.port}"):
        Monitor().listen("127.0.0.1", monitor.port)


def test_the_loop_of_a_monitor_may_be_gone() -> None:
    async def make() -> Monitor:
        return Monitor()

    assert asyncio.run(make()).health()[0] == 503
