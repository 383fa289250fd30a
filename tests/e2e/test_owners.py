"""A call that changes its owner because the owner is stopped politely, or stands still: through real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from testbed.house import House, answer, ask, heard, speech, words
from tests.e2e.model import HISTORY
from tests.e2e.test_kills import GREEN, holder

pytestmark = [pytest.mark.realtime, pytest.mark.soak, pytest.mark.asyncio(loop_scope="session")]


async def reopened(house: House) -> float:
    return await house.count("voice_streams_reopened_total", peer="orchestrator")


async def test_a_mind_that_is_asked_to_stop_hands_the_call_over_and_the_caller_notices_nothing(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("tell me the history of the shop"))
        began = await call.until_bot_speaks(asked.end)
        await asyncio.sleep(0.5)
        mind, ears = await holder(house, "orchestrator"), await holder(house, "stt")
        pids = house.stack.all_pids()
        for name in (mind, ears):
            os.kill(pids[name], signal.SIGTERM)
        ended = await call.until_bot_silent(1200)
        assert heard(call, began - 0.05, ended + 0.05) == words(HISTORY)
        assert await ask(call, "and last what color is it") == GREEN
        (told,) = house.asked("and last what color is it")
        assert HISTORY in [message["content"] for message in told.body["messages"]]
        assert await holder(house, "orchestrator") != mind
        for name in (mind, ears):
            await house.stack.restarted(name, pids[name])


async def test_a_mind_that_stalls_for_a_moment_keeps_the_call_and_one_that_freezes_loses_it(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        mind, before = await holder(house, "orchestrator"), await reopened(house)
        pid = house.stack.all_pids()[mind]
        await stopped(pid, 0.3)
        assert await ask(call, "what color is it then") == GREEN
        assert (await holder(house, "orchestrator"), await reopened(house)) == (mind, before)

        thawing = asyncio.ensure_future(stopped(pid, 4.0))
        frozen = time.monotonic()
        asked = await call.say(speech("what color is it now"))
        began = await call.until_bot_speaks(asked.end, 5.0)
        assert began - max(asked.end, frozen) < 2.0 + 1.0  # to leave the frozen one, and a turn's own time
        assert await answer(call, asked.end) == GREEN
        await thawing
        assert await call.until_bot_silent(800)
        assert heard(call, asked.end) == GREEN  # what the thawed one still had to say is heard by nobody
        assert await ask(call, "and last what color is it") == GREEN
        assert await holder(house, "orchestrator") != mind


async def stopped(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
