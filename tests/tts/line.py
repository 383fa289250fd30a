"""A running tts service, and a caller's end of it: what was said, and what was heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from parley.audio import TELEPHONE, AudioFormat, to_pcm
from parley.audio.wire import to_wire
from parley.rpc import Admission, CallStream, Peers, Server
from parley.settings import Settings
from parley.v1 import audio_pb2, tts_pb2, tts_pb2_grpc
from services.tts.servicer import Servicer
from services.tts.synthesis import IDLE_S, STALL_S, Synthesis
from testbed.patience import PATIENCE_S
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.recorder import heard_words
from testbed.vendors.wordcodec import words_of

ANSWER = ("Your order 1234 shipped on Monday, ", "and it's due on Friday. ", "Anything else?")


@dataclass(slots=True)
class Heard:
    """One utterance at the caller's end."""

    text: str
    format: AudioFormat
    audio: bytes = b""
    words: list[audio_pb2.WordTime] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    first_ms: float = 0.0

    @property
    def spoken(self) -> list[str]:
        """The words that are in the audio, by the codec."""
        if self.format.encoding == "mulaw":
            return [word.text for word in heard_words(self.audio, self.format.rate)]
        return [word.text for word in heard_words(to_pcm(self.audio, self.format.encoding), self.format.rate)]

    @property
    def told(self) -> list[str]:
        """The words that the word times name, as the codec writes them."""
        return [part for word in self.words for part in words_of(self.text[word.char_start : word.char_end])]

    def assert_times_are_sound(self) -> None:
        """Every word of the text has its time, in order, inside the audio."""
        assert self.told == words_of(self.text)
        end = 0
        for word in self.words:
            piece = self.text[word.char_start : word.char_end]
            assert piece == piece.strip()
            assert " " not in piece
            assert word.start_ms <= word.end_ms
            assert word.start_ms >= end - 1
            end = word.end_ms
        assert end <= self.format.ms(len(self.audio)) + 1


def config(audio: AudioFormat = TELEPHONE, **fields: Any) -> tts_pb2.SynthesizeRequest:
    return tts_pb2.SynthesizeRequest(config=tts_pb2.SynthesizeConfig(call_id="CA1", format=to_wire(audio), **fields))


def text(piece: str) -> tts_pb2.SynthesizeRequest:
    return tts_pb2.SynthesizeRequest(text=piece)


class Line:
    """The gateway's end: `say` is one utterance from config to the last audio."""

    def __init__(self, peers: Peers, synthesis: Synthesis, admission: Admission) -> None:
        self.peers, self.synthesis, self.admission = peers, synthesis, admission

    async def open(self) -> CallStream:
        return await self.peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")

    async def until_open(self, count: int) -> None:
        """Until the service has this many streams."""
        async with asyncio.timeout(PATIENCE_S):
            while self.admission.active != count:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.005)

    async def refused(self, *requests: tts_pb2.SynthesizeRequest) -> None:
        """Send no more than what is refused, then read: raises the refusal."""
        async with asyncio.timeout(PATIENCE_S), await self.open() as stream:
            for request in requests:
                await stream.write(request)
            async for _ in stream:
                pass

    async def say(self, phrases: Sequence[str] = ANSWER, audio: AudioFormat = TELEPHONE, **fields: Any) -> Heard:
        heard = Heard("".join(phrases), audio)
        async with asyncio.timeout(PATIENCE_S), await self.open() as stream:
            await stream.write(config(audio, **fields))
            begun = time.perf_counter()
            for phrase in phrases:
                await stream.write(text(phrase))
            await stream.done_writing()
            async for event in stream:
                if event.audio.data and not heard.audio:
                    heard.first_ms = (time.perf_counter() - begun) * 1000
                heard.sizes.append(len(event.audio.data))
                heard.audio += event.audio.data
                heard.words += event.audio.words
        return heard


def settings(sim: ElevenLabsSim | None = None, **values: Any) -> Settings:
    named = {"ELEVENLABS_BASE_URL": sim.url, "ELEVENLABS_API_KEY": "k"} if sim else {}
    return Settings.read(**{"PARLEY_TTS": "elevenlabs" if sim else "local", **named, **values})


@asynccontextmanager
async def service(
    made: Settings, stall_s: float = STALL_S, idle_s: float = IDLE_S, capacity: int = 400
) -> AsyncIterator[Line]:
    synthesis = Synthesis(Synthesis.of(made).engines, stall_s, idle_s)
    await synthesis.warm()
    server = Server("tts", "127.0.0.1:0", Admission(capacity))
    server.add(
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"],
        tts_pb2_grpc.add_TextToSpeechServicer_to_server,
        Servicer(synthesis, server.admission),
    )
    await server.start()
    try:
        async with Peers("tts", [f"127.0.0.1:{server.port}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            yield Line(peers, synthesis, server.admission)
    finally:
        await server.drain(1)
        await synthesis.aclose()
