"""proto ⇄ Python for TextToSpeech, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from parley.audio.wire import from_wire
from parley.bus.cancels import Cancels, key_of
from parley.errors import BadInput
from parley.rpc import Admission
from parley.v1 import audio_pb2, tts_pb2, tts_pb2_grpc
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.gathering import gathered
from services.tts.synthesis import Speech, Synthesis

MAX_AUDIO = 64 << 10
_CONFIG_S = 10.0
_SPEEDS = (0.7, 1.3)


class Servicer(tts_pb2_grpc.TextToSpeechServicer):
    def __init__(self, synthesis: Synthesis | Speech, admission: Admission, cancels: Cancels | None = None) -> None:
        self._synthesis = synthesis
        self._admission = admission
        self._cancels = cancels or Cancels()

    async def Synthesize(
        self, requests: AsyncIterator[tts_pb2.SynthesizeRequest], context: Any
    ) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
        with self._admission.admit():
            first = await _first(requests)
            config = _config(first)
            with self._cancels.stream(config.call_id, key_of(first.turn) if first.HasField("turn") else None):
                speech = self._synthesis.speak(_texts(requests), config)
                async with aclosing(gathered(speech, config.format.bytes_per_ms)) as chunks:
                    async for chunk in chunks:
                        for event in _events(chunk, config.format.sample_bytes):
                            yield event


async def _first(requests: AsyncIterator[tts_pb2.SynthesizeRequest]) -> tts_pb2.SynthesizeConfig:
    try:
        async with asyncio.timeout(_CONFIG_S):
            request = await anext(requests, None)
    except TimeoutError:
        raise BadInput(f"config: nothing came for {_CONFIG_S:g} s; send it first") from None
    if request is None or request.WhichOneof("request") != "config":
        raise BadInput("config: send it first, and once, before any text")
    return request.config


async def _texts(requests: AsyncIterator[tts_pb2.SynthesizeRequest]) -> AsyncIterator[str]:
    async for request in requests:
        kind = request.WhichOneof("request")
        if kind != "text":
            raise BadInput(f"{kind or 'request'}: after the config only text is due; open another stream instead")
        yield request.text


def _config(config: tts_pb2.SynthesizeConfig) -> TtsConfig:
    speed = config.speed or 1.0
    # The field is a 32-bit float: 0.7 arrives as a little less or more.
    if not _SPEEDS[0] - 1e-6 <= speed <= _SPEEDS[1] + 1e-6:
        raise BadInput(f"speed: must be {_SPEEDS[0]} to {_SPEEDS[1]}, or 0 for the voice's own; it is {speed:g}")
    return TtsConfig(
        call_id=config.call_id,
        traceparent=config.traceparent,
        voice=config.voice,
        format=from_wire(config.format, "format"),
        language=config.language or "en",
        speed=round(speed, 3),
        attempt=config.attempt,
    )


def _events(chunk: AudioChunk, sample: int) -> Iterator[tts_pb2.SynthesizeEvent]:
    """One message, or several when the audio is long; the words stand in the last, by whose end they have sounded."""
    data = chunk.data
    size = MAX_AUDIO - MAX_AUDIO % sample
    while len(data) > size:
        yield tts_pb2.SynthesizeEvent(audio=tts_pb2.SynthesizedAudio(data=data[:size]))
        data = data[size:]
    words = [
        audio_pb2.WordTime(char_start=w.char_start, char_end=w.char_end, start_ms=w.start_ms, end_ms=w.end_ms)
        for w in chunk.words
    ]
    yield tts_pb2.SynthesizeEvent(audio=tts_pb2.SynthesizedAudio(data=data, words=words, engine=chunk.engine))
