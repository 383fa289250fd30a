"""A whole call by hand over all stand-ins: what the caller says comes back in the voice that answers."""

import base64
import json

import aiohttp
import numpy as np
import openai

from testbed.patience import PATIENCE_S
from testbed.vendors import mulaw
from testbed.vendors.openai.script import Rule, by_rules
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.recorder import heard_text
from testbed.vendors.vendors import Vendors
from testbed.vendors.wordcodec import render


async def test_what_the_caller_said_is_what_the_answer_is_about() -> None:
    script = by_rules([Rule(heard=r"where is my order (\d+)", say="Order {1} has shipped.")])
    async with Vendors(openai=OpenAISim(script=script)) as vendors, aiohttp.ClientSession() as http:
        env = vendors.environment()
        heard = await listen(http, env, "Hello, where is my order 1234?")
        model = openai.AsyncOpenAI(api_key=env["OPENAI_API_KEY"], base_url=env["OPENAI_BASE_URL"])
        answer = await model.chat.completions.create(model="m", messages=[{"role": "user", "content": heard}])
        played = await speak(http, env, answer.choices[0].message.content or "")
        assert heard_text(played) == "order 1234 has shipped"
        assert heard_text(played[: len(played) // 2]) in ("order", "order 1234")


async def listen(http: aiohttp.ClientSession, env: dict[str, str], said: str) -> str:
    path = "/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&endpointing=300"
    headers = {"Authorization": f"Token {env['DEEPGRAM_API_KEY']}"}
    async with http.ws_connect(env["DEEPGRAM_BASE_URL"] + path, headers=headers) as ears:
        await ears.send_bytes(mulaw.from_pcm(np.concatenate([render(said).pcm, np.zeros(4000, np.int16)])))
        result = await ears.receive_json(timeout=PATIENCE_S)
        return str(result["channel"]["alternatives"][0]["transcript"])


async def speak(http: aiohttp.ClientSession, env: dict[str, str], text: str) -> bytes:
    path = "/v1/text-to-speech/v/stream-input?output_format=ulaw_8000"
    headers = {"xi-api-key": env["ELEVENLABS_API_KEY"]}
    played = b""
    async with http.ws_connect(env["ELEVENLABS_BASE_URL"] + path, headers=headers) as voice:
        for part in (" ", text + " ", ""):
            await voice.send_json({"text": part})
        async for message in voice:
            played += base64.b64decode(json.loads(message.data)["audio"] or "")
    return played
