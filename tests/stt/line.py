"""What the tests of the ears share: telephone audio of spoken words, and a stream of one call's recognition."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from parley.aio import background
from parley.audio import TELEPHONE, AudioFormat
from parley.engines import Engine
from parley.engines.breaker import Breakers
from parley.process.heartbeat import HEART
from parley.settings import Settings
from services.stt.contract import SpeechEvent, SttConfig, TurnEnded, TurnKind
from services.stt.providers.deepgram import Deepgram
from services.stt.recognition import Recognition, Request
from services.stt.turn_sound import Judge
from services.stt.vad import Detector
from testbed.patience import PATIENCE_S
from testbed.vendors import mulaw
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.wordcodec import render

ORDER = "Where is my order 1234?"
HEARD = "Where is my order 1234."  # as the stand-in punctuates it


def spoken(text: str, after_ms: int = 0, before_ms: int = 0) -> bytes:
    """µ-law at 8 kHz, with silence around it."""
    parts = [np.zeros(before_ms * 8, np.int16), render(text).pcm, np.zeros(after_ms * 8, np.int16)]
    return mulaw.from_pcm(np.concatenate(parts))


def silence(ms: int) -> bytes:
    return TELEPHONE.silence(ms)


def noise(ms: int, level: float, seed: int = 1) -> bytes:
    return mulaw.from_pcm(np.random.default_rng(seed).normal(0, level, ms * 8).astype(np.int16))


def settings(sim: DeepgramSim, key: str = "k", **more: object) -> Settings:
    return Settings.model_validate({"DEEPGRAM_API_KEY": key, "DEEPGRAM_BASE_URL": sim.url, **more})


def deepgram(sim: DeepgramSim, key: str = "k") -> Engine[Deepgram]:
    return Engine("deepgram", Deepgram(settings(sim, key)))


class Line:
    """The caller's side of one recognition."""

    def __init__(self, recognition: Recognition) -> None:
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue()
        self.recognition = recognition
        self.events = recognition.events(self._take())
        self.seen: list[SpeechEvent] = []

    async def _take(self) -> AsyncIterator[Request]:
        while (request := await self._requests.get()) is not None:
            yield request

    def say(self, audio: bytes, frame: int = 480) -> None:
        for at in range(0, len(audio), frame):
            self._requests.put_nowait(audio[at : at + frame])

    def ask(self, request: Request) -> None:
        self._requests.put_nowait(request)

    def hang_up(self) -> None:
        self._requests.put_nowait(None)

    async def listened(self, ms: int) -> None:
        """The VAD has come this far."""
        async with asyncio.timeout(PATIENCE_S):
            while self.recognition.heard_ms < ms - 32:  # noqa: ASYNC110  (nothing is told of silence)
                await asyncio.sleep(0.002)

    async def until(self, kind: type[SpeechEvent], timeout_s: float = PATIENCE_S) -> SpeechEvent:
        async with asyncio.timeout(timeout_s):
            async for event in self.events:
                self.seen.append(event)
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"the stream ended without {kind.__name__}: {self.seen}")

    async def turn(self, timeout_s: float = PATIENCE_S) -> TurnEnded:
        """The next confirmed one; early words before it are seen."""
        while True:
            event = await self.until(TurnEnded, timeout_s)
            assert isinstance(event, TurnEnded)
            if event.kind is TurnKind.CONFIRMED:
                return event

    async def rest(self, timeout_s: float = PATIENCE_S) -> list[SpeechEvent]:
        async with asyncio.timeout(timeout_s):
            found = [event async for event in self.events]
        self.seen += found
        return found

    def kinds(self) -> list[str]:
        """What was told; an end that is only thought likely has the name of its kind."""
        return [
            event.kind.name
            if isinstance(event, TurnEnded) and event.kind is not TurnKind.CONFIRMED
            else type(event).__name__
            for event in self.seen
        ]


@asynccontextmanager
async def line(
    *engines: Engine[Any],
    detector: Detector | None = None,
    config: SttConfig | None = None,
    audio: AudioFormat = TELEPHONE,
    judge: Judge | None = None,
    breakers: Breakers | None = None,
) -> AsyncIterator[Line]:
    opened = Line(Recognition(config or SttConfig(call_id="CA1", format=audio), engines, detector, judge, breakers))
    try:
        async with background(HEART.beat()):
            yield opened
    finally:
        await opened.events.aclose()
