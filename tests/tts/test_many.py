"""Many callers at once, and many one after another."""

from __future__ import annotations

import asyncio
import gc
import warnings

import psutil
import pytest

from parley.settings import Settings
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.wordcodec import words_of
from tests.tts.line import ANSWER, Line, config, service, settings, text

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.mark.parametrize("engine", ["elevenlabs", "local"])
async def test_thirty_callers_at_once_each_hear_their_own_answer(engine: str) -> None:
    async with ElevenLabsSim() as sim, service(made(sim, engine)) as line:
        answers = [(f"Caller {NUMBERS[n // 10]} {NUMBERS[n % 10]}, ", "your order has shipped.") for n in range(30)]
        heard = await asyncio.gather(*(line.say(answer) for answer in answers))
    for one, answer in zip(heard, answers, strict=True):
        one.assert_times_are_sound()
        assert engine == "local" or one.spoken == words_of("".join(answer))


def made(sim: ElevenLabsSim, engine: str) -> Settings:
    return settings(sim) if engine == "elevenlabs" else settings()


async def short_stream(line: Line, n: int) -> None:
    """Heard to the end, broken into, or left before a word was said."""
    if n % 3 == 0:
        await line.say(ANSWER[:1])
        return
    async with await line.open() as stream:
        await stream.write(config())
        if n % 3 == 1:
            await stream.write(text("This is broken into. "))
            await stream.read()


@pytest.mark.parametrize("engine", ["elevenlabs", "local"])
async def test_after_200_short_streams_everything_is_back_where_it_was(engine: str) -> None:
    us = psutil.Process()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        async with ElevenLabsSim() as sim, service(made(sim, engine)) as line:
            for n in range(6):
                await short_stream(line, n)
            await settled(line, sim)
            before = (len(asyncio.all_tasks()), us.num_fds(), len(us.children()))
            for n in range(0, 200, 10):
                await asyncio.gather(*(short_stream(line, n + i) for i in range(10)))
            await settled(line, sim)
            gc.collect()
            after = (len(asyncio.all_tasks()), us.num_fds(), len(us.children()))
    # A task or two of gRPC and of the ping stream come and go.
    assert after[0] <= before[0] + 3
    assert after[1] <= before[1] + 3
    assert after[2] == before[2]


async def settled(line: Line, sim: ElevenLabsSim) -> None:
    await line.until_open(0)
    await sim.until(lambda: not sim.open_connections)
