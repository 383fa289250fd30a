"""Clients that vanish, babble or never listen: each stand-in must shrug and be as before."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Reply
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.server import VendorSim

EARS = "/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000"
FLUX = "/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000"
VOICE = "/v1/text-to-speech/v/stream-input?output_format=ulaw_8000"
VOICES = "/v1/text-to-speech/v/multi-stream-input?output_format=ulaw_8000"
HEADERS = {"Authorization": "Token k", "xi-api-key": "k"}


@pytest.fixture(autouse=True)
def quiet_server(caplog: pytest.LogCaptureFixture) -> Any:
    """A traceback in the stand-in's log is a failure."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize(
    ("make", "path", "opening"),
    [
        (DeepgramSim, EARS, [b"\x00" * 800]),
        (DeepgramSim, FLUX, [b"\x00" * 800]),
        (lambda: ElevenLabsSim(speed=1), VOICE, ['{"text": " "}', '{"text": "Hello there. ", "flush": true}']),
        (lambda: ElevenLabsSim(speed=1), VOICES, ['{"text": "Hello. ", "context_id": "a", "flush": true}']),
    ],
)
async def test_a_caller_who_vanishes_leaves_nothing_behind(
    make: Callable[[], VendorSim], path: str, opening: list[str | bytes]
) -> None:
    async with make() as sim, aiohttp.ClientSession(headers=HEADERS) as http:
        before = len(asyncio.all_tasks())
        for _ in range(5):
            socket = await http.ws_connect(sim.url + path)
            for message in opening:
                await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
            await sim.until(lambda: sim.open_connections == 1)
            connection = socket._response.connection
            assert connection is not None
            assert connection.transport is not None
            connection.transport.abort()
            await sim.until(lambda: sim.open_connections == 0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before + 1


async def test_an_answer_nobody_reads_to_the_end() -> None:
    async with (
        OpenAISim(script=lambda _m, _t: Reply("word " * 500), tokens_per_s=100) as sim,
        aiohttp.ClientSession(headers={"Authorization": "Bearer k"}) as http,
    ):
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        response = await http.post(f"{sim.url}/v1/chat/completions", json=body)
        await response.content.readline()
        response.close()
        await sim.until(lambda: sim.open_connections == 0)
        assert sim.records[-1].disconnected


@pytest.mark.parametrize("text", ["not json", "[]", '{"no": "type"}', '{"type": "Dance"}'])
async def test_the_ears_answer_babble_with_an_error_and_go_on(text: str) -> None:
    async with DeepgramSim() as sim, aiohttp.ClientSession(headers=HEADERS) as http:
        socket = await http.ws_connect(sim.url + EARS)
        await socket.send_str(text)
        assert (await socket.receive_json(timeout=PATIENCE_S))["type"] == "Error"
        await socket.send_str('{"type": "CloseStream"}')
        assert (await socket.receive_json(timeout=PATIENCE_S))["type"] == "Metadata"
        await socket.close()


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"text": "Hello. "}',
        '{"text": 7}',
        '{"text": " ", "generation_config": {"chunk_length_schedule": [5]}}',
    ],
)
async def test_the_voice_answers_babble_with_an_error_and_1008(text: str) -> None:
    async with ElevenLabsSim() as sim, aiohttp.ClientSession(headers=HEADERS) as http:
        socket = await http.ws_connect(sim.url + VOICE)
        await socket.send_str(text)
        assert json.loads((await socket.receive(timeout=PATIENCE_S)).data)["error"] == "invalid_message"
        assert (await socket.receive(timeout=PATIENCE_S)).data == 1008


async def test_an_empty_binary_frame_ends_the_ears() -> None:
    async with DeepgramSim() as sim, aiohttp.ClientSession(headers=HEADERS) as http:
        socket = await http.ws_connect(sim.url + EARS)
        await socket.send_bytes(b"")
        assert (await socket.receive_json(timeout=PATIENCE_S))["type"] == "Metadata"
        assert (await socket.receive(timeout=PATIENCE_S)).data == 1000


async def test_a_context_id_used_again_is_a_new_context() -> None:
    async with ElevenLabsSim() as sim, aiohttp.ClientSession(headers=HEADERS) as http:
        socket = await http.ws_connect(sim.url + VOICES)
        for _ in range(8):
            await socket.send_json({"text": "Yes. ", "context_id": "a", "flush": True})
            await socket.send_json({"context_id": "a", "close_context": True})
            while not (await socket.receive_json(timeout=PATIENCE_S))["isFinal"]:
                pass
        assert sim.records[-1].spoken == ["Yes. "] * 8
        await socket.close()
