"""`make chaos` in short: services die while calls are in every moment that there is, and nobody loses anything."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from typing import Any

import aiohttp
import pytest

from parley.aio import background
from testbed.chaos.agents import name_of
from testbed.chaos.callers import Caller
from testbed.chaos.cells import MOMENTS, Row
from testbed.chaos.rig import Rig, Wave
from testbed.chaos.town import rehearse
from testbed.chaos.verdict import judge
from testbed.chaos.wires import Wires
from testbed.house import House
from testbed.machine import TRIES, in_real_time

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
LOSSES = (
    *("call_lost", "turn_lost", "bot_words_lost", "bot_words_twice", "caller_words_lost", "caller_words_twice"),
    *("history_differs", "effects_missing", "effects_doubled"),
)


async def test_processes_die_at_every_moment_of_a_call(house: House) -> None:
    """The ears and the voice, then the mind and the model: a replica of each that serves calls at that moment."""
    rehearse(2 * TRIES * len(MOMENTS) + 4)
    callers = [Caller(name, house.phone(name)) for name in map(name_of, range(len(MOMENTS)))]
    async with (
        aiohttp.ClientSession() as http,
        background(*(caller.run() for caller in callers)),
    ):
        rig = Rig(house.stack, Wires(0), house.vendors, house.bookings, house.clock, callers, http)
        for target, also in (("stt", "tts"), ("orchestrator", "llm")):
            pids = [os.getpid(), *house.stack.all_pids().values()]
            strike = partial(rig.wave, Row("kill", target), MOMENTS, also=[also])
            wave = await in_real_time(pids, strike, lambda wave: not _wrong(wave))
            assert any(judge(raw).hit for raw in wave.raws), f"{wave.instance} served nobody"
            assert not _wrong(wave), f"{wave.instance} died: {_wrong(wave)}"


def _wrong(wave: Wave) -> list[tuple[str, str, dict[str, Any], str]]:
    """What callers lost, by moment."""
    found = []
    for verdict in map(judge, wave.raws):
        told = dataclasses.asdict(verdict)
        if lost := {name: told[name] for name in LOSSES if told[name]}:
            found.append((verdict.aimed, verdict.moment, lost, verdict.heard))
    return found
