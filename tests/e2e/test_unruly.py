"""Callers who behave are not disturbed by far ends that do not, however hard those hammer at the same gateway."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from testbed import machine
from testbed.house import PUBLIC_URL, TOKEN, House, answer, ask, same, words
from testbed.telephone.carrier import signature
from tests.e2e.agents import PLAIN
from tests.e2e.test_bad_input import start

GOOD = 10
GREETING, GREEN = words(PLAIN["greeting"]), "the bicycle is green"
MEDIA = json.dumps(
    {"event": "media", "streamSid": "MZ1", "media": {"payload": base64.b64encode(b"\xff" * 160).decode()}}
)
WRONG: list[str | bytes] = [
    "{",
    "[]",
    "{}",
    '{"event":"dance"}',
    '{"event":"media","media":{"payload":"?"}}',
    '{"event":"media","media":7}',
    '{"event":"mark","mark":{"name":"9.9"}}',
    '{"event":"dtmf","dtmf":{"digit":"x"}}',
    '{"event":"start"}',
    b"\x00binary",
]
"""One of each kind that is passed over, and counted."""


@asynccontextmanager
async def upgraded(house: House, *, signed: bool = True) -> AsyncIterator[ClientConnection]:
    public = PUBLIC_URL.replace("http", "ws", 1) + "/twilio-stream"
    headers = {"X-Twilio-Signature": signature(TOKEN, public) if signed else "guessed"}
    async with connect(house.stream_url, additional_headers=headers, proxy=None, compression=None) as socket:
        yield socket


async def webhook(house: House, call_sid: str, agent: str = "plain", token: str = TOKEN) -> str:
    """What the webhook answers."""
    path, form = f"/twilio-webhook?{urlencode({'agent': agent})}", {"CallSid": call_sid, "From": "+15550111"}
    headers = {"X-Twilio-Signature": signature(token, PUBLIC_URL + path, form)}
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(house.stack.gateway_url + path, data=form, headers=headers)).text


async def forges(house: House, n: int) -> None:
    assert "wrong signature" in await webhook(house, f"CAf{n}", token="guessed")
    with suppress(InvalidHandshake):
        async with upgraded(house, signed=False):
            pass


async def asks_for_nobody(house: House, n: int) -> None:
    assert "not in service" in await webhook(house, f"CAn{n}", agent="nobody")


async def sends_too_much_at_once(house: House, n: int) -> None:
    async with upgraded(house) as socket:
        await socket.send("x" * 100_000)
        await socket.recv()


async def speaks_before_the_start(house: House, n: int) -> None:
    async with upgraded(house) as socket:
        for _ in range(60):
            await socket.send(MEDIA)
        await socket.recv()


async def has_a_wrong_token(house: House, n: int) -> None:
    async with upgraded(house) as socket:
        await socket.send(start("forged.token", f"CAw{n}"))
        await socket.recv()


async def breaks_the_protocol(house: House, n: int) -> None:
    """With a good token, used twice."""
    (token,) = re.findall(r'name="token" value="([^"]+)"', await webhook(house, f"CAb{n}"))
    async with upgraded(house) as socket, upgraded(house) as twice:
        await socket.send(start(token, f"CAb{n}"))
        for message in WRONG * 6:
            await socket.send(message)
        await twice.send(start(token, f"CAb{n}"))
        await twice.recv()


async def floods(house: House, n: int) -> None:
    """Ten times as much sound as time, and nothing is read of what comes back."""
    (token,) = re.findall(r'name="token" value="([^"]+)"', await webhook(house, f"CAl{n}"))
    async with upgraded(house) as socket:
        await socket.send(start(token, f"CAl{n}"))
        for _ in range(100):
            for _ in range(10):
                await socket.send(MEDIA)
            await asyncio.sleep(0.02)


BAD = (
    forges,
    asks_for_nobody,
    sends_too_much_at_once,
    speaks_before_the_start,
    has_a_wrong_token,
    breaks_the_protocol,
    floods,
)


async def alone(house: House) -> None:
    """Until the calls of other tests are over: the callers of all share this process, and would be late."""
    async with asyncio.timeout(60):
        while any((await house.gauge("voice_calls_active", "gateway")).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def hammer(house: House, bad: object, until: asyncio.Event) -> int:
    """The same again and again, five times a second at most."""
    times = 0
    while not until.is_set():
        with suppress(WebSocketException, OSError):
            await bad(house, times)  # type: ignore[operator]
        times += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await until.wait()
    return times


@pytest.mark.realtime
@pytest.mark.timeout(400)
@pytest.mark.asyncio(loop_scope="session")
async def test_ten_calls_go_on_word_for_word_while_bad_clients_hammer(house: House) -> None:
    await alone(house)
    over = asyncio.Event()

    async def good(n: int) -> list[object]:
        await asyncio.sleep(n * 0.1)
        async with house.phone("plain").dial() as call:
            greeting = await answer(call, call.born)
            asked = [await ask(call, f"good caller {n} asks what color is it")]
            wrong = [each for each in asked if not same(call, each, GREEN)]
            return [same(call, greeting, GREETING), wrong, len(call.streams), list(call.warnings)]

    async def all_good() -> list[list[object]]:
        return await asyncio.gather(*(good(n) for n in range(GOOD)))

    hammers = [asyncio.ensure_future(hammer(house, bad, over)) for bad in BAD]
    undisturbed = [[True, [], 1, []]] * GOOD
    pids = [os.getpid(), *house.stack.all_pids().values()]
    try:
        said = await machine.in_real_time(pids, all_good, lambda said: said == undisturbed)
    finally:
        over.set()
        times = await asyncio.gather(*hammers)
    assert said == undisturbed
    assert min(times) >= 1, dict(zip((bad.__name__ for bad in BAD), times, strict=True))
    counted = {"json", "no event", "unknown event", "base64", "media fields", "mark", "dtmf", "second start", "binary"}
    for kind in (*counted, "oversized", "media before start"):
        assert await house.count("voice_bad_messages_total", kind=kind) > 0, kind
    for reason in ("signature", "agent", "token"):
        assert await house.count("voice_refused_total", reason=reason) > 0, reason
    assert await house.count("voice_flood_ms_total") > 0
