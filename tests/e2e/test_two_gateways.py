"""A gateway is killed with the calls it has: the carrier brings them back, to another one, and they go on.

All other calls of these tests are at the first gateway; these begin at the second, which so may die at any time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from parley.agents.speaking import Sentences
from testbed.house import PUBLIC_URL, TOKEN, House, answer, ask, bot_lines, heard, same, speech, words
from testbed.patience import PATIENCE_S
from testbed.telephone.carrier import signature
from testbed.telephone.phone import Call
from testbed.vendors.openai.script import text_of
from tests.e2e.test_bad_input import start
from tests.e2e.together import on_the_line

CUT_OFF, NOT_HEARD, GREEN = words(Sentences().cut_off), words(Sentences().not_heard), "the bicycle is green"
REENTERED_S = 2.0
"""From the carrier's next stream to the bot's first word there."""


@on_the_line.one
async def test_a_gateway_dies_in_mid_answer_and_while_another_caller_is_silent(house: House) -> None:
    """Who missed words hears an apology and the rest of the answer; who missed nothing hears nothing. No action is done
    again, and the mind knows what was said on both sides of the break."""
    here, there = house.stack.gateway_urls
    began_at = [there, here]
    async with (
        house.phone("frontdesk", gateways=began_at).dial() as listening,
        house.phone("plain", gateways=began_at).dial() as silent,
    ):
        await asyncio.gather(answer(listening, listening.born), answer(silent, silent.born))
        assert await stolen(here, silent) == 4001, "the token of a call that is at another gateway"
        asked = await listening.say(speech("hello can you tell me where is my order 1234"))
        began = await listening.until_bot_speaks(asked.end)
        await asyncio.sleep(2.5)
        name, pid = await kill(house, there)
        lost = time.monotonic()
        again = await back(listening)
        spoke = await listening.until_bot_speaks(again - 0.02)
        assert spoke - again < REENTERED_S
        ended = await listening.until_bot_silent(800)

        (told,) = [result for each in house.asked("hello can you tell me") for result in results(each.body["messages"])]
        whole = words(json.loads(told)["summary"]).split()
        first, rest = heard(listening, began - 0.05, lost), heard(listening, spoke - 0.05, ended + 0.05)
        ends = [end for end in range(len(whole) + 1) if same(listening, first, " ".join(whole[:end]))]
        begins = [at for at in range(len(whole)) if same(listening, rest, " ".join([CUT_OFF, *whole[at:]]))]
        assert ends, (first, whole)
        assert begins, (rest, whole)
        assert begins[0] <= ends[-1], "no word is missing between the two parts"
        assert heard(silent, lost, spoke + 1.0) == "", "nothing was missed"

        answers = await asyncio.gather(
            ask(listening, "and now what color is it"), ask(silent, "i ask what color is it")
        )
        assert [same(*each, GREEN) for each in zip((listening, silent), answers, strict=True)] == [True, True], answers
        *_, then = house.asked("and now what color is it")
        told_said = [words(line) for line in bot_lines(then)]
        broken_off = told_said[told_said.index(CUT_OFF) - 1].split()
        assert broken_off == whole[: len(broken_off)]
        assert ends[0] - 1 <= len(broken_off) <= ends[-1] + 1, (told_said, first)
        assert len(results(then.body["messages"])) == 1, "the action was not done again"
        assert len(house.asked("hello can you tell me")) == 2, "one round for the tool, one for its result"
        *_, then = house.asked("i ask what color is it")
        assert len(bot_lines(then)) == 1, "the greeting, once"
        for call in (listening, silent):
            assert len(call.streams) == 2
            assert not call.warnings
    await house.stack.restarted(name, pid)


async def stolen(gateway_url: str, call: Call) -> int:
    """A second stream with the token of a call that is under way: how it is closed."""
    (token,) = re.findall(r'name="token" value="([^"]+)"', call.documents[0])
    signed = {"X-Twilio-Signature": signature(TOKEN, PUBLIC_URL.replace("http", "ws", 1) + "/twilio-stream")}
    url = gateway_url.replace("http", "ws", 1) + "/twilio-stream"
    async with connect(url, additional_headers=signed, proxy=None) as thief, asyncio.timeout(PATIENCE_S):
        await thief.send(start(token, call.sid))
        with suppress(ConnectionClosed):
            async for _ in thief:
                pass
    return thief.close_code or 0


async def kill(house: House, gateway_url: str) -> tuple[str, int]:
    """SIGKILL for the gateway at this address; name and process id."""
    name = house.stack.plan.names("gateway")[house.stack.gateway_urls.index(gateway_url)]
    pid = house.stack.all_pids()[name]
    os.kill(pid, signal.SIGKILL)
    return name, pid


async def back(call: Call) -> float:
    """When the carrier's next stream began."""
    async with asyncio.timeout(PATIENCE_S):
        while len(call.streams) < 2 or not call.streams[1].frames_sent:  # noqa: ASYNC110 - the exchange tells nobody
            await asyncio.sleep(0.01)
    return time.monotonic()


def results(messages: list[dict[str, object]]) -> list[str]:
    """What the tools of a call have given."""
    return [text_of(message) for message in messages if message["role"] == "tool"]


async def conversation(house: House, number: int, gateways: list[str], until: asyncio.Event) -> list[str]:
    """A caller who asks until it is over; all answers that were not right, and how the call ended.

    Words that were not final when the gateway let the call go are lost, and asked for again.
    """
    wrong = []
    async with house.phone("plain", gateways=gateways).dial() as call:
        await answer(call, call.born)
        asked = 0
        while not until.is_set() and not call.over:
            asked += 1
            text = f"restart caller {number} asks {asked} times what color is it"
            streams = len(call.streams)
            said = await ask(call, text)
            if said.endswith(NOT_HEARD) and len(call.streams) > streams:
                said = await ask(call, text)  # spoken while the call was moved
            if not same(call, said, GREEN) or not house.asked(text):
                wrong.append(f"{asked}: {said!r} {len(call.streams)} streams")
        if call.over or call.warnings:
            wrong.append(f"{call.ended_by} {call.warnings}")
    return wrong


async def asked_to_stop(house: House, names: list[str]) -> None:
    """SIGTERM; returns when other processes of these names serve."""
    pids = {name: house.stack.all_pids()[name] for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGTERM)
    for name, pid in pids.items():
        await house.stack.restarted(name, pid, timeout_s=40)
    async with asyncio.timeout(PATIENCE_S):
        while not all([await serving(house, name) for name in names]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def serving(house: House, name: str) -> bool:
    """Whether this process is back and answers."""
    try:
        return bool(await house.metrics(name))
    except httpx.HTTPError:
        return False


async def restarted_under(house: House, callers: int, gateways: list[str], rounds: list[list[str]]) -> None:
    """All of `rounds` are restarted, one after the other, while callers talk: every question is answered."""
    over = asyncio.Event()
    order = [gateways, gateways[::-1]] if len(rounds) > 1 else [gateways]
    talking = [asyncio.ensure_future(conversation(house, n, order[n % len(order)], over)) for n in range(callers)]
    try:
        await asyncio.sleep(2.0)
        for names in rounds:
            await asked_to_stop(house, names)
        await asyncio.sleep(1.0)
    finally:
        over.set()
        wrong = await asyncio.gather(*talking, return_exceptions=True)
    assert wrong == [[]] * callers


@pytest.mark.realtime
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.soak
async def test_a_gateway_that_is_asked_to_stop_moves_its_calls_and_nothing_is_lost(house: House) -> None:
    here, there = house.stack.gateway_urls
    await restarted_under(house, 3, [there, here], [house.stack.plan.names("gateway")[1:]])


@pytest.mark.realtime
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_rolling_restart_of_everything_under_talking_callers_loses_nothing(house: House) -> None:
    """Every process but NATS, one replica of each service at a time."""
    organs = ("stt", "tts", "llm", "orchestrator", "tools", "rag", "gateway")
    rounds = [[name] for service in organs for name in house.stack.plan.names(service)]
    await restarted_under(house, 8, list(house.stack.gateway_urls), rounds)
