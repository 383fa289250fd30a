"""`make chaos` in short: services die while calls are in every moment that there is, and nobody loses anything."""

from __future__ import annotations

import dataclasses

import aiohttp
import pytest

from parley.aio import background
from testbed.chaos.agents import name_of
from testbed.chaos.callers import Caller
from testbed.chaos.cells import MOMENTS, Row
from testbed.chaos.rig import Rig
from testbed.chaos.town import rehearse
from testbed.chaos.verdict import judge
from testbed.chaos.wires import Wires
from testbed.house import House

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
LOSSES = (
    *("call_lost", "turn_lost", "bot_words_lost", "bot_words_twice", "caller_words_lost", "caller_words_twice"),
    *("history_differs", "effects_missing", "effects_doubled"),
)


async def test_processes_die_at_every_moment_of_a_call(house: House) -> None:
    """The ears and the voice, then the mind and the model: a replica of each that serves calls at that moment."""
    rehearse(2 * len(MOMENTS) + 4)
    callers = [Caller(name, house.phone(name)) for name in map(name_of, range(len(MOMENTS)))]
    async with (
        aiohttp.ClientSession() as http,
        background(*(caller.run() for caller in callers)),
    ):
        rig = Rig(house.stack, Wires(0), house.vendors, house.bookings, house.clock, callers, http)
        ears = await rig.wave(Row("kill", "stt"), MOMENTS, also=["tts"])
        mind = await rig.wave(Row("kill", "orchestrator"), MOMENTS, also=["llm"])
    for wave in (ears, mind):
        verdicts = [judge(raw) for raw in wave.raws]
        assert any(verdict.hit for verdict in verdicts), f"{wave.instance} served nobody"
        lost = [
            {name: value for name, value in dataclasses.asdict(v).items() if name in LOSSES and value} for v in verdicts
        ]
        wrong = [(v.aimed, v.moment, what, v.heard) for v, what in zip(verdicts, lost, strict=True) if what]
        assert not wrong, f"{wave.instance} died: {wrong}"
