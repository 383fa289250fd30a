"""The scripts on the line: one running stack, a dozen calls at once, all begun when the first is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from runner.stack import Stack
from testbed import machine
from testbed.telephone.phone import Clock
from testbed.turns import model
from testbed.turns.parse import read_all
from testbed.turns.real import Models, Services, environment, play, rehearse
from testbed.turns.record import Record
from testbed.turns.script import Script

Wrong = Callable[[Record], list[str]]
OWN = Path(__file__).parent / "scripts"
AT_ONCE = 18
AGAIN_AT_ONCE = (6, 2, 1, 1, 1)
"""What went wrong while the machine had no time is played again, with fewer calls beside it."""
APART_S = 0.15
"""Between the beginnings of two calls."""
LATE_S = 0.05
"""The player was so late: the machine had no time."""


ALL = {script.slug: script for script in read_all(OWN)}
"""By the id of their test. Held-out ones are no tests: nobody tunes on them. docs/turn-taking.md counts them."""


class Lines:
    """The calls. `record(name, wrong)` is done when that call is over and not `wrong`, or was played in real time."""

    def __init__(self, folder: Path, wanted: Mapping[str, Script]) -> None:
        self._folder = folder
        self._wanted = wanted
        self._calls: dict[str, asyncio.Task[Record]] = {}
        self._stack = AsyncExitStack()
        self._lines = asyncio.Semaphore(AT_ONCE)
        self._rooms = [asyncio.Semaphore(at_once) for at_once in AGAIN_AT_ONCE]
        self._unplayed = set(wanted)
        self._all_played = asyncio.Event()

    async def record(self, name: str, wrong: Wrong) -> Record:
        """All begin with the first, and all take the same `wrong`."""
        if not self._calls:
            await self._begin(wrong)
        return await self._calls[name]

    async def _begin(self, wrong: Wrong) -> None:
        models, agents = Models(), self._folder / "agents"
        for script in self._wanted.values():
            rehearse(script)
            model.write_agent(agents, script)
            models.scripts[script.slug] = script
        vendors = await self._stack.enter_async_context(models.vendors())
        env = environment(vendors, agents) | {"PARLEY_AGENT": next(iter(models.scripts))}
        stack = await self._stack.enter_async_context(Stack(data_dir=self._folder / "data", env=env))
        clock = await self._stack.enter_async_context(Clock())
        services = Services(stack, vendors, models, clock, agents)
        for place, name in enumerate(self._wanted):
            self._calls[name] = asyncio.ensure_future(self._call(name, services, wrong, place * APART_S))

    async def _call(self, name: str, services: Services, wrong: Wrong, after_s: float) -> Record:
        script = self._wanted[name]
        await asyncio.sleep(after_s)
        try:
            async with self._lines:
                record = await play(script, services)
        finally:
            self._unplayed.discard(name)
            if not self._unplayed:
                self._all_played.set()
        for room in self._rooms:
            if not wrong(record) or (record.waited <= machine.WAITED and record.late_s <= LATE_S):
                break
            await self._all_played.wait()
            async with room:
                record = await play(script, services)
        return record

    async def close(self) -> None:
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def lines(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> AsyncIterator[Lines]:
    asked = {item.callspec.params.get("real") for item in request.session.items if hasattr(item, "callspec")}
    lines = Lines(tmp_path_factory.mktemp("turns"), {name: ALL[name] for name in ALL if name in asked})
    yield lines
    await lines.close()
