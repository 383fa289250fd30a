"""A process that is asked says where its tasks stand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from structlog.testing import capture_logs

from parley.aio import background
from parley.process import task_dump


async def words_to_come() -> AsyncIterator[str]:
    await asyncio.Event().wait()
    yield ""


async def listening() -> None:
    async for _ in words_to_come():
        pass


async def test_each_task_is_told_of_down_to_what_it_waits_for() -> None:
    async with background(listening()):
        await asyncio.sleep(0)
        with capture_logs() as told:
            task_dump.tell()
    places = [line["at"] for line in told if line["event"] == "task"]
    (place,) = [at for at in places if "listening" in at]
    assert [step.split()[-1] for step in place.split(" > ")] == ["listening", "words_to_come", "wait"]
    assert told[-1] == {"event": "tasks told of", "log_level": "info", "told": len(places), "tasks": len(places)}
