"""A call loads no code: what an SDK loads when it is first asked holds up every call of the process."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from testbed.vendors.vendors import Vendors

FIRST_CALL = """
import asyncio, sys

from parley.settings import Settings
from services.gateway.carriers import carriers
from services.llm.chat import Chain
from services.llm.contract import ChatRequest, Message, Role
from services.stt.contract import SttConfig
from services.stt.providers.deepgram import Deepgram
from services.stt.providers.flux import Flux
from services.tts.contract import TtsConfig
from services.tts.synthesis import Synthesis


async def several(*items):
    for item in items:
        yield item


async def main():
    settings = Settings.read()
    carrier, mouth, mind = carriers(settings)["twilio"], Synthesis.of(settings), Chain.from_settings(settings)
    ears = [Deepgram(settings), Flux(settings)]
    await mouth.warm()
    await mind._warm()
    before = set(sys.modules)
    for ear in ears:
        async for event in ear.recognize(several(bytes(1600)), SttConfig(call_id="CA1")):
            pass
    async for event in mind.chat(ChatRequest(messages=(Message(Role.USER, "hello"),))):
        pass
    async for chunk in mouth.speak(several("Hello."), TtsConfig(call_id="CA1")):
        pass
    await carrier.hang_up("CA" + "1" * 32)
    print("loaded:", *sorted(set(sys.modules) - before))
    for each in (carrier.close, mouth.aclose, mind.aclose):
        await each()


asyncio.run(main())
"""


async def test_the_first_call_of_a_process_loads_no_code() -> None:
    async with Vendors() as vendors:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FIRST_CALL, env={**os.environ, **vendors.environment()}, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            out, err = await child.communicate()
        assert child.returncode == 0, err.decode()
        assert out.decode().splitlines()[-1] == "loaded:"
        assert vendors.twilio.records, "the carrier was told nothing"
