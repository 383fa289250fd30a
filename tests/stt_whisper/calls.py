"""What the tests of the recogniser whisper share: a caller, a line, and a call as the service has it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from parley.engines import Engine
from parley.errors import Unavailable
from services.stt.contract import Final, SpeechEvent, SttConfig
from services.stt.providers.whisper import Whisper
from services.stt.recognition import Recognition, Request
from services.stt.vad import Detector
from testbed.voice import as_mulaw, noise, silence, voice

CALLER, WPM = "en-us+f2", 140
MESSAGE_MS = 20


async def loaded(ears: Whisper) -> None:
    """Until a worker has its model, however slow the machine is."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await ears.pool.ready()
            except Unavailable:
                continue


def say(text: str, name: str = CALLER) -> NDArray[np.int16]:
    return voice().say(text, name, WPM)


def line(*parts: NDArray[np.int16], form: AudioFormat = TELEPHONE) -> bytes:
    """The parts one after the other, between silences, with the faint noise of a line."""
    samples = np.concatenate([silence(0.5), *parts, silence(1.0)])
    samples = (samples + noise(len(samples) / 16000 + 1, -66)[: len(samples)]).astype(np.int16)
    return as_mulaw(samples) if form == TELEPHONE else samples.tobytes()


async def sent(audio: bytes, form: AudioFormat, *then: Request) -> AsyncIterator[Request]:
    step = MESSAGE_MS * form.bytes_per_ms
    for at in range(0, len(audio), step):
        yield audio[at : at + step]
        await asyncio.sleep(0)
    for request in then:
        yield request


async def call(
    ears: Whisper | Sequence[Engine[Any]],
    detector: Detector,
    audio: bytes,
    config: SttConfig | None = None,
    *then: Request,
) -> list[SpeechEvent]:
    """All that one call tells."""
    config = config or SttConfig()
    engines = [Engine("whisper", ears)] if isinstance(ears, Whisper) else list(ears)
    recognition = Recognition(config, engines, detector)
    return [event async for event in recognition.events(sent(audio, config.format, *then))]


def texts(events: Sequence[SpeechEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final)]


__all__ = ["BROWSER", "TELEPHONE", "call", "line", "loaded", "noise", "say", "sent", "silence", "texts"]
