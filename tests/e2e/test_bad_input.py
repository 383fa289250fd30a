"""What comes in from outside and is not as it should be, where more than the gateway is concerned."""

from __future__ import annotations

import json
import re

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from parley.errors import Unavailable
from testbed.house import PUBLIC_URL, TOKEN, House, answer, ask, speech
from testbed.telephone.carrier import signature
from tests.e2e.together import on_the_line

GREEN = "the bicycle is green"


def start(token: str, call_sid: str) -> str:
    sound = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    parameters = {"token": token, "leg": "1"}
    begun = {"callSid": call_sid, "streamSid": "MZ1", "mediaFormat": sound, "customParameters": parameters}
    return json.dumps({"event": "start", "streamSid": "MZ1", "start": begun})


@on_the_line.one
async def test_a_forged_webhook_reaches_nobody(house: House) -> None:
    with pytest.raises(Unavailable, match="403"):
        async with house.phone("plain", auth_token="guessed").dial():
            pass
    assert await house.count("voice_refused_total", reason="signature") > 0


@on_the_line.one
async def test_an_unsigned_stream_is_refused_at_the_upgrade(house: House) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(house.stream_url, proxy=None):
            pass


@on_the_line.one
async def test_a_number_without_its_agent_is_not_in_service(house: House) -> None:
    async with house.phone("nobody").dial() as call:
        await call.until_over()
    assert call.ended_by == "bot"
    assert call.announced == ["We are sorry, this number is not in service. Goodbye."]
    assert not call.streams
    assert await house.count("voice_refused_total", reason="agent") > 0


@on_the_line.one
async def test_a_token_opens_one_stream_and_the_call_it_belongs_to_goes_on(house: House) -> None:
    async with house.phone("plain", gateways=house.stack.gateway_urls[:1]).dial() as call:
        (token,) = re.findall(r'name="token" value="([^"]+)"', call.documents[0])
        signed = {"X-Twilio-Signature": signature(TOKEN, PUBLIC_URL.replace("http", "ws", 1) + "/twilio-stream")}
        async with connect(house.stream_url, additional_headers=signed, proxy=None) as thief:
            await thief.send(start(token, call.sid))
            with pytest.raises(ConnectionClosed) as closed:
                await thief.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        await answer(call, call.born)
        assert await ask(call, "what color is it") == GREEN
    assert await house.count("voice_refused_total", reason="token") > 0


@on_the_line.one
async def test_a_stream_the_carrier_loses_comes_back_to_the_same_call(house: House) -> None:
    async with house.phone("plain").dial() as call:
        await answer(call, call.born)
        assert await ask(call, "it is me with the blue helmet") != ""
        asked = await call.say(speech("tell me the history of the shop"))
        await call.until_bot_speaks(asked.end)
        call.cut()
        await call.until_bot_speaks(call.heard.ends + 0.02)
        assert await ask(call, "back again what color is it") == GREEN
        *_, then = house.asked("back again what color is it")
        assert any("blue helmet" in str(message["content"]) for message in then.body["messages"]), "it is remembered"
    assert len(call.streams) == 2
