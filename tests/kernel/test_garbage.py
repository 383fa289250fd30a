"""A full collection stops all calls of a process: it has its moments."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from parley.aio import background
from parley.process import garbage
from parley.rpc import Admission, Server
from testbed.patience import PATIENCE_S


class Circle:
    """Refers to itself: only the collector finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "LOOK_S", 0.01)
    usual = gc.get_threshold()
    yield
    assert gc.get_threshold() == usual


def _old() -> weakref.ref[Circle]:
    """What has survived both younger generations before it was left."""
    circle = Circle()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(circle)


async def _gone(left: weakref.ref[Circle]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while left() is not None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_while_calls_are_open_nothing_old_is_looked_at_and_then_at_once() -> None:
    count = 7
    async with background(garbage.collect(lambda: (count, 1))):
        await asyncio.sleep(0)
        left = _old()
        for _ in range(20):
            gc.collect(1)
            await asyncio.sleep(0.01)
        assert left() is not None
        count = 0
        await _gone(left)


async def test_all_calls_gone_for_a_moment_only_are_not_no_calls() -> None:
    """They were lost together, and come back."""
    told = iter([7, 0, 7, 0, 7, 0])
    asked = 0

    def calls() -> tuple[int, int]:
        nonlocal asked
        asked += 1
        return next(told, 7), 1

    async with background(garbage.collect(calls)):
        await asyncio.sleep(0)
        left = _old()
        async with asyncio.timeout(PATIENCE_S):
            while asked < 8:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert left() is not None


@pytest.mark.parametrize(("count", "enough"), [(3, garbage.FEW), (garbage.FEW + 20, garbage.FEW + 20)])
async def test_it_is_looked_at_when_as_many_have_ended_as_are_open(count: int, enough: int) -> None:
    ended = enough - 1
    async with background(garbage.collect(lambda: (count, ended))):
        await asyncio.sleep(0)
        left = _old()
        await asyncio.sleep(0.1)
        assert left() is not None
        ended += 1
        await _gone(left)


async def test_a_process_in_which_no_call_ends_looks_all_the_same_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "LONGEST_S", 0.05)
    async with background(garbage.collect(lambda: (7, 0))):
        await asyncio.sleep(0)
        await _gone(_old())


async def test_a_server_sees_to_it_as_long_as_it_serves() -> None:
    server = Server("stt", "127.0.0.1:0", Admission(1))
    await server.start()
    await asyncio.sleep(0)
    assert gc.get_threshold()[2] > 1_000_000
    with server.admission.admit():
        assert (server.admission.active, server.admission.ended) == (1, 0)
    assert (server.admission.active, server.admission.ended) == (0, 1)
    await server.drain(0)
    await asyncio.sleep(0)
