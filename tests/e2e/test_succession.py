"""`make chaos ARGS=--succession` in short: one process after the other falls, and nobody loses a call or a word."""

from __future__ import annotations

import os

import aiohttp
import pytest

from bench.chaos.in_succession import CALLS
from parley.aio import background
from testbed.chaos.agents import name_of
from testbed.chaos.callers import Caller
from testbed.chaos.rig import Rig
from testbed.chaos.succession.succession import succession
from testbed.chaos.town import rehearse
from testbed.chaos.wires import Wires
from testbed.house import House
from testbed.machine import in_real_time

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
SECONDS, SEED = 15.0, 4


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
