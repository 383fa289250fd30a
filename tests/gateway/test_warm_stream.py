"""A voice is opened while the model thinks, used once, and closed when nothing comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parley.aio import TaskSet
from parley.errors import Unavailable
from parley.rpc import Admission, Peers, Server
from parley.v1 import tts_pb2, tts_pb2_grpc
from services.gateway.voice import warm_stream
from services.gateway.voice.warm_stream import WarmStream
from testbed.patience import PATIENCE_S

CONFIG = tts_pb2.SynthesizeConfig(call_id="CA1")


class Voice(tts_pb2_grpc.TextToSpeechServicer):
    def __init__(self) -> None:
        self.open = 0
        self.configs: list[str] = []
        self.changed = asyncio.Event()

    async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
        self.open += 1
        try:
            async for request in requests:
                if request.HasField("config"):
                    self.configs.append(request.config.call_id)
                    self.changed.set()
                else:
                    yield tts_pb2.SynthesizeEvent(audio=tts_pb2.SynthesizedAudio(data=request.text.encode()))
        finally:
            self.open -= 1
            self.changed.set()


@asynccontextmanager
async def voices() -> AsyncIterator[tuple[WarmStream, Voice]]:
    server = Server("tts", "127.0.0.1:0", Admission(10))
    voice = Voice()
    service = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]
    server.add(service, tts_pb2_grpc.add_TextToSpeechServicer_to_server, voice)
    await server.start()
    tasks = TaskSet(lambda error: None)
    async with Peers("tts", [f"127.0.0.1:{server.port}"]) as peers:
        waiting = WarmStream(peers, tasks)
        yield waiting, voice
        await waiting.close()
        await tasks.close()
    await server.drain(0)


async def test_the_answer_takes_the_voice_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async with voices() as (waiting, voice):
        waiting.prepare(CONFIG)
        waiting.prepare(CONFIG)
        async with asyncio.timeout(PATIENCE_S):
            await voice.changed.wait()
        stream = await waiting.take(CONFIG)
        assert stream is not None
        await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
        assert (await stream.read()).audio.data == b"hello"
        assert voice.configs == ["CA1"]
        assert await waiting.take(CONFIG) is None
        stream.cancel()


async def test_a_voice_of_somebody_else_is_not_taken() -> None:
    """The call was handed over after its turn had ended: the answer has another voice."""
    other = tts_pb2.SynthesizeConfig(call_id="CA1", voice="bob")
    async with voices() as (waiting, voice):
        waiting.prepare(CONFIG)
        async with asyncio.timeout(PATIENCE_S):
            await voice.changed.wait()
            assert await waiting.take(other) is None
            while voice.open:
                voice.changed.clear()
                await voice.changed.wait()
        waiting.prepare(other)
        stream = await waiting.take(other)
        assert stream is not None
        stream.cancel()


async def test_a_voice_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_stream, "KEPT_S", 0.05)
    async with voices() as (waiting, voice):
        waiting.prepare(CONFIG)
        async with asyncio.timeout(PATIENCE_S):
            while not voice.configs or voice.open:
                voice.changed.clear()
                await voice.changed.wait()
        assert await waiting.take(CONFIG) is None


async def test_a_voice_that_was_lost_while_it_waited_says_so_at_once() -> None:
    tasks = TaskSet(lambda error: None)
    async with Peers("tts", ["127.0.0.1:1"]) as peers:
        waiting = WarmStream(peers, tasks)
        waiting.prepare(CONFIG)
        stream = await waiting.take(CONFIG)
        assert stream is not None
        with pytest.raises(Unavailable):
            await stream.read()
    await tasks.close()
