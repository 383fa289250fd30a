"""Tasks that are told to stop."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from parley import aio
from parley.aio import TaskSet, Turnstile, background
from testbed.patience import PATIENCE_S


class Deaf:
    """Goes on after its first cancellation, as `asyncio.wait_for` does now and then."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                if self.cancelled == 2:
                    raise


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "AGAIN_S", 0.05)


async def test_a_task_that_loses_its_cancellation_is_told_again() -> None:
    one, other = Deaf(), Deaf()
    tasks = TaskSet(lambda e: pytest.fail(repr(e)))
    async with asyncio.timeout(PATIENCE_S):
        async with background(one.run()):
            await asyncio.sleep(0)
        tasks.spawn(other.run())
        await asyncio.sleep(0)
        await tasks.close()
    assert (one.cancelled, other.cancelled, len(tasks)) == (2, 2, 0)
    await asyncio.sleep(0.1)
    assert one.cancelled == 2, "nobody is told who has gone"


async def test_who_waits_for_them_may_be_cancelled_too_and_they_end_all_the_same() -> None:
    deaf = Deaf()

    async def holds() -> None:
        async with background(deaf.run()):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(holds())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert deaf.cancelled == 2


async def test_what_a_background_task_knew_is_gone_with_it_and_needs_no_collector() -> None:
    class Known:
        pass

    async def knowing(known: Known) -> None:
        await asyncio.sleep(60)

    gc.disable()
    try:
        known = Known()
        left = weakref.ref(known)
        async with background(knowing(known)):
            await asyncio.sleep(0)
        del known
        await asyncio.sleep(0)
        assert left() is None
    finally:
        gc.enable()


async def test_a_crowd_at_the_turnstile_holds_up_nobody_else() -> None:
    """Whoever else is due waits for one of them, not for all; they pass in the order in which they came."""
    turnstile, came, between = Turnstile(), list[int](), list[int]()

    async def one(n: int) -> None:
        await turnstile.passed()
        came.append(n)

    async def else_() -> None:
        while len(came) < 10:
            between.append(len(came))
            await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(one(n) for n in range(10)), else_())
    assert came == list(range(10))
    assert set(between) >= set(range(10))


async def test_who_gives_up_at_the_turnstile_keeps_nobody() -> None:
    turnstile = Turnstile()
    first, second, third = (asyncio.ensure_future(turnstile.passed()) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(first, third)
    assert second.cancelled()
