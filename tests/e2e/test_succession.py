"""`make chaos ARGS=--succession` in short: one process after the other falls, and nobody loses a call or a word."""

from __future__ import annotations

import os

import aiohttp
import pytest

from bench.chaos.agents import name_of
from bench.chaos.callers import Caller
from bench.chaos.in_succession import CALLS
from bench.chaos.rig import Rig
from bench.chaos.succession import succession
from bench.chaos.town import rehearse
from bench.chaos.wires import Wires
from parley.aio import background
from tests.e2e.house import House
from tests.machine import in_real_time

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
SECONDS, SEED = 25.0, 4


async def test_processes_fall_one_after_the_other_while_everybody_talks(house: House) -> None:
    rehearse(CALLS)
    callers = [Caller(name, house.phone(name)) for name in map(name_of, range(CALLS))]
    async with aiohttp.ClientSession() as http, background(*(caller.run() for caller in callers)):
        rig = Rig(house.stack, Wires(0), house.vendors, house.bookings, house.clock, callers, http)
        pids = [os.getpid(), *house.stack.all_pids().values()]
        run = await in_real_time(
            pids, lambda: succession(rig, SECONDS, SEED, spares=True), lambda run: not run.misses()
        )
    assert any(each.silent_s is not None for each in run.accounts), "nobody broke in"
    assert run.fell
    assert not run.misses(), "\n".join(run.misses())
