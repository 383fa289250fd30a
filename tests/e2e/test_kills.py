"""One replica of a service is killed in the middle of a call that it serves: the call goes on, and no word is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from testbed.house import House, answer, ask, heard, speech, words
from testbed.patience import PATIENCE_S
from testbed.vendors.faults import Fault
from tests.e2e.model import HISTORY

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
GREEN = "the bicycle is green"


async def holder(house: House, service: str) -> str:
    """The replica that serves a stream now; the house has one call."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            active = await house.gauge("voice_streams_active", service)
            if busy := [name for name, streams in active.items() if streams]:
                assert len(busy) == 1, active
                return busy[0]
            await asyncio.sleep(0.02)


def kill_now(house: House, name: str) -> int:
    pid = house.stack.all_pids()[name]
    os.kill(pid, signal.SIGKILL)
    return pid


async def kill(house: House, service: str) -> tuple[str, int]:
    """SIGKILL for the replica that has the call; name and process id."""
    name = await holder(house, service)
    return name, kill_now(house, name)


@pytest.mark.soak
async def test_the_recogniser_dies_while_the_caller_speaks(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        talk = call.speak(speech("i have a question for you please tell me what color is it"))
        await asyncio.sleep(1.2)
        name, pid = await kill(house, "stt")
        await talk.done
        assert await answer(call, talk.end) == GREEN
        (asked,) = house.asked("i have a question for you please tell me what color is it")
        assert await ask(call, "and what color is it now") == GREEN
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_the_voice_dies_in_the_middle_of_a_sentence(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("tell me the history of the shop"))
        began = await call.until_bot_speaks(asked.end)
        name, pid = await kill(house, "tts")
        ended = await call.until_bot_silent(1200)
        assert heard(call, began - 0.05, ended + 0.05) == words(HISTORY)
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_the_model_dies_in_the_middle_of_an_answer(house: House) -> None:
    house.vendors.openai.faults.add(Fault("stall", after_items=4, times=1, only="die in the middle"))
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("die in the middle what color is it"))
        name, pid = await kill(house, "llm")
        assert await answer(call, asked.end) == GREEN
        assert await ask(call, "and what color is it now") == GREEN
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_the_mind_dies_while_the_bot_speaks(house: House) -> None:
    """The sentence goes on; the next question is answered, and the new mind knows what was said before."""
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("tell me the history of the shop"))
        began = await call.until_bot_speaks(asked.end)
        await asyncio.sleep(1.0)
        name, pid = await kill(house, "orchestrator")
        ended = await call.until_bot_silent(1200)
        assert heard(call, began - 0.05, ended + 0.05) == words(HISTORY)
        assert await ask(call, "and last what color is it") == GREEN
        (told,) = house.asked("and last what color is it")
        assert HISTORY in [message["content"] for message in told.body["messages"]]
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_the_mind_dies_while_the_caller_speaks(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        talk = call.speak(speech("i have one more question for you please what color is it"))
        await asyncio.sleep(1.2)
        name, pid = await kill(house, "orchestrator")
        await talk.done
        assert await answer(call, talk.end) == GREEN
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_the_mind_dies_while_it_thinks(house: House) -> None:
    house.vendors.openai.faults.add(Fault("slow", after_ms=1500, times=1, only="think long"))
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        asked = await call.say(speech("think long what color is it"))
        await holder(house, "llm")
        name, pid = await kill(house, "orchestrator")
        assert await answer(call, asked.end) == GREEN
    await house.stack.restarted(name, pid)
