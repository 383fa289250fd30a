"""Tasks that are told to stop."""

from __future__ import annotations

import asyncio

import pytest

from parley import aio
from parley.aio import TaskSet, background
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
