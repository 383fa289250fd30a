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

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cli.carrier import signature
from cli.phone import Call
from parley.agents import Sentences
from tests.e2e.house import PUBLIC_URL, TOKEN, House, answer, ask, bot_lines, heard, speech, words
from tests.e2e.test_bad_input import start
from tests.e2e.together import on_the_line
from tests.sims.openai_script import text_of

CUT_OFF, GREEN = words(Sentences().cut_off), "the bicycle is green"
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
        first, rest = heard(listening, began - 0.05, lost).split(), heard(listening, spoke - 0.05, ended + 0.05)
        assert whole[: len(first)] == first
        assert rest.startswith(CUT_OFF)
        tail = rest.removeprefix(CUT_OFF).split()
        assert whole[-len(tail) :] == tail
        assert len(first) + len(tail) >= len(whole), "no word is missing"
        assert heard(silent, lost, spoke + 1.0) == "", "nothing was missed"

        answers = await asyncio.gather(
            ask(listening, "and now what color is it"), ask(silent, "i ask what color is it")
        )
        assert list(answers) == [GREEN, GREEN]
        (then,) = house.asked("and now what color is it")
        assert CUT_OFF in [words(line) for line in bot_lines(then)]
        assert len(results(then.body["messages"])) == 1, "the action was not done again"
        assert len(house.asked("hello can you tell me")) == 2, "one round for the tool, one for its result"
        (then,) = house.asked("i ask what color is it")
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
    async with connect(url, additional_headers=signed, proxy=None) as thief, asyncio.timeout(10):
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
    async with asyncio.timeout(10):
        while len(call.streams) < 2 or not call.streams[1].frames_sent:  # noqa: ASYNC110 - the exchange tells nobody
            await asyncio.sleep(0.01)
    return time.monotonic()


def results(messages: list[dict[str, object]]) -> list[str]:
    """What the tools of a call have given."""
    return [text_of(message) for message in messages if message["role"] == "tool"]
