"""A process that stood still knows it, whoever asks first."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from parley.aio import background
from parley.process import heartbeat
from parley.process.heartbeat import BEAT_S, HEART, Heartbeat
from parley.rpc import Admission, Server


async def test_who_never_stood_still_has_no_beginning() -> None:
    heart = Heartbeat()
    async with background(heart.beat()):
        await asyncio.sleep(2 * BEAT_S)
        assert heart.awake_since(5.0) == 0.0


async def test_a_standstill_is_known_to_whoever_wakes_first_to_each_by_his_own_measure() -> None:
    heart = Heartbeat()
    async with background(heart.beat()):
        await asyncio.sleep(0)
        began = time.monotonic()
        time.sleep(0.5)  # noqa: ASYNC251 - the process stands still
        assert heart.awake_since(0.3) >= began + 0.5
        assert heart.awake_since(5.0) == 0.0
        ended = heart.awake_since(0.3)
        await asyncio.sleep(3 * BEAT_S)
        assert heart.awake_since(0.3) >= ended


async def test_a_long_one_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "LONG_S", 0.2)
    before = REGISTRY.get_sample_value("voice_standstills_total") or 0.0
    async with background(HEART.beat()):
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251
        HEART.awake_since(0.2)
        HEART.awake_since(0.2)
        assert REGISTRY.get_sample_value("voice_standstills_total") == before + 1


async def test_nobody_is_told_of_a_heart_that_does_not_beat() -> None:
    async with background(HEART.beat()):
        await asyncio.sleep(0)
    before = HEART.awake_since(0.1)
    time.sleep(0.3)  # noqa: ASYNC251
    assert HEART.awake_since(0.1) == before


async def test_a_server_has_a_heart_as_long_as_it_serves() -> None:
    """Two of them in one process have one."""
    first, second = (Server("stt", "127.0.0.1:0", Admission(1)) for _ in range(2))
    await first.start()
    await second.start()
    await asyncio.sleep(0)
    await second.drain(0)
    await asyncio.sleep(2 * BEAT_S)
    began = time.monotonic()
    time.sleep(0.3)  # noqa: ASYNC251
    assert HEART.awake_since(0.1) > began
    await first.drain(0)
    await asyncio.sleep(0)
    ended = HEART.awake_since(0.1)
    time.sleep(0.3)  # noqa: ASYNC251
    assert HEART.awake_since(0.1) == ended
