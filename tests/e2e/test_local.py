"""The whole house on this machine alone, with no key: a telephone, a page's voice and a chat, on the same mind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from cli.phone import Clock, Phone
from cli.stack import Stack
from cli.voice import speak
from parley.audio import mulaw_to_pcm
from tests.e2e.house import House
from tests.e2e.page import page
from tests.sims.vendors import Vendors
from tests.stt_local.voice import Voice

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
ORDER, RETURNS, BYE = "where is my order one two three four", "what is your return policy", "that is all thank you"
HOURS = "when are you open on saturday"
STATUS = "Order one two three four"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("shop")
    async with Stack(data_dir=folder, env={"PARLEY_PROFILE": "local"}) as stack, Clock() as clock:
        yield House(stack, Vendors(), clock)


async def test_three_callers_at_once(shop: House) -> None:
    """The local recogniser, dialogue engine and voice; all three doors together, for they share no time."""
    await asyncio.gather(on_the_telephone(shop), on_the_page(shop), in_the_chat(shop))


async def on_the_telephone(shop: House) -> None:
    hours, returns, bye = await speak([HOURS, RETURNS, BYE])
    async with Phone(shop.stack.gateway_url, shop.clock).dial() as call:
        await call.until_bot_speaks(call.born)
        await call.until_bot_silent(800)
        for sound in (hours, returns):
            spoken = await call.say(sound)
            await call.until_bot_speaks(spoken.end)
            await call.until_bot_silent(1000)
        await call.say(bye)
        async with asyncio.timeout(15):
            await call.until_over()
        heard_sound = mulaw_to_pcm(call.heard.mulaw(call.ended_at))
    assert call.ended_by == "bot"
    assert not call.warnings
    told = await shop.timeline(call)
    heard = [entry["text"] for entry in told if entry["what"] == "final"]
    assert heard == [HOURS, RETURNS, BYE]
    said = " ".join(entry["text"] for entry in told if entry["what"] == "say")
    assert "On Saturday we are open from nine" in said
    assert "30 days" in said or "thirty days" in said, said
    assert np.count_nonzero(np.abs(heard_sound.astype(np.int32)) > 500) / 8000 > 3, "seconds of audible speech"


@pytest.mark.xfail(reason="the local recogniser hears `four` as `eight are` in this voice", strict=False)
async def test_the_sample_call_is_understood(shop: House) -> None:
    (order,) = await speak([ORDER])
    async with Phone(shop.stack.gateway_url, shop.clock).dial() as call:
        await call.until_bot_speaks(call.born)
        await call.until_bot_silent(800)
        spoken = await call.say(order)
        await call.until_bot_speaks(spoken.end)
        assert STATUS in " ".join(entry["text"] for entry in await shop.timeline(call) if entry["what"] == "say")


async def on_the_page(shop: House) -> None:
    question = Voice().say(HOURS)
    async with page(shop.stack.gateway_url, "voice", "frontdesk") as visitor:
        await visitor.until(type="subtitle", side="bot", final=True)
        before = len(visitor.audio)
        await visitor.say(question.astype("<i2").tobytes())
        heard = await visitor.until(type="subtitle", side="caller", final=True)
        assert heard["text"] == HOURS
        answer = await visitor.until(type="subtitle", side="bot", final=True, cut=False)
        assert answer["text"].startswith("On Saturday we are open from nine")
        sound = np.frombuffer(bytes(visitor.audio[before:]), "<i2")
        assert np.count_nonzero(np.abs(sound.astype(np.int32)) > 500) / 16000 > 1


async def in_the_chat(shop: House) -> None:
    async with page(shop.stack.gateway_url, "chat", "frontdesk") as visitor:
        assert "Bellweather Bikes" in await visitor.answer()
        await visitor.send(type="text", text="Where is my order?")
        assert "What is your order number?" in await visitor.answer()
        await visitor.send(type="text", text="1234")
        assert STATUS in await visitor.answer()
        await visitor.send(type="text", text="What is your return policy?")
        assert "days" in await visitor.answer()
        await visitor.send(type="text", text="Goodbye")
        assert "Goodbye" in await visitor.answer()
        await visitor.until(type="ended")
