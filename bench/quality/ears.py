"""The recognisers as the stt service has them: our VAD, our turns, their own worker processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import psutil

from bench.quality.lines import AFTER_S, BEFORE_S, LINES
from bench.quality.sets import AGENT
from parley.agents.files import load_agent
from parley.engines import Engine
from parley.errors import Unavailable
from parley.settings import Settings
from services.stt.contract import Endpointing, Final, SttConfig
from services.stt.local import pool as local_pool
from services.stt.providers import introduce
from services.stt.providers.local import Local
from services.stt.providers.whisper import Whisper
from services.stt.recognition import Recognition
from services.stt.vad import Detector
from services.stt.whisper import pool as whisper_pool
from testbed.frontdesk import AGENTS

MESSAGE_MS = 20
LOADING_S = 60
ENGINES = ("whisper", "local")
FREE = Endpointing()
QUICK_S, PATIENCE_S = 0.1, 600.0
"""A decode, and what is waited for one, where the machine is not to matter."""
LATE_S = 1.5
"""Silence that a real call goes on with after the sentence, for the final to come."""


@dataclass(slots=True)
class Pace:
    """Of calls in real time: ms from the last of the speech to its final, and CPU seconds of the worker processes."""

    final_ms: list[float] = field(default_factory=list)
    calls: int = 0
    cpu_s: float = 0.0
    speech_s: float = 0.0

    def percentile(self, share: float) -> float:
        return sorted(self.final_ms)[min(len(self.final_ms) - 1, int(share * len(self.final_ms)))]


class Ears:
    """All recognisers, side by side; each hears a call alone."""

    def __init__(self, providers: Mapping[str, Whisper | Local], detector: Detector) -> None:
        self._engines = {name: Engine(name, provider) for name, provider in providers.items()}
        self._pools = {name: provider.pool for name, provider in providers.items()}
        self._detector = detector
        self._keyterms = load_agent(AGENTS, AGENT).keyterms

    def _call(self, engine: str, line: str, wish: Endpointing = FREE) -> Recognition:
        config = SttConfig(format=LINES[line], agent=AGENT, keyterms=self._keyterms, endpointing=wish)
        return Recognition(config, [self._engines[engine]], self._detector)

    async def hear(self, engine: str, audio: bytes, line: str, wish: Endpointing = FREE) -> str:
        """The text of all finals, as fast as can be. "": not understood, or not noticed."""

        async def sent() -> AsyncIterator[bytes]:
            for message in _messages(audio, line):
                yield message
                await asyncio.sleep(0)

        events = self._call(engine, line, wish).events(sent())
        return " ".join([event.text async for event in events if isinstance(event, Final) and event.text])

    async def both(self, audio: bytes, line: str, wish: Endpointing = FREE) -> dict[str, str]:
        """What each recogniser hears, at the same time."""
        texts = await asyncio.gather(*(self.hear(engine, audio, line, wish) for engine in ENGINES))
        return dict(zip(ENGINES, texts, strict=True))

    async def in_real_time(self, engine: str, audio: bytes, line: str, pace: Pace) -> None:
        """One call at the speed of speech; what it took goes to `pace`."""
        speech_ended = 0.0
        silence = LINES[line].silence(MESSAGE_MS)
        clock = time.perf_counter

        async def sent() -> AsyncIterator[bytes]:
            nonlocal speech_ended
            messages = [*_messages(audio, line), *[silence] * int(LATE_S * 1000 / MESSAGE_MS)]
            last = len(audio) // LINES[line].bytes_per_ms / 1000 - AFTER_S
            began = clock()
            speech_ended = began + last
            for number, message in enumerate(messages, 1):
                await asyncio.sleep(max(0.0, began + number * MESSAGE_MS / 1000 - clock()))
                yield message

        before = self._cpu_s(engine)
        told = 0.0
        async for event in self._call(engine, line).events(sent()):
            if isinstance(event, Final) and event.text:
                told = clock()
        pace.cpu_s += self._cpu_s(engine) - before
        pace.calls += 1
        pace.speech_s += len(audio) / LINES[line].bytes_per_ms / 1000 - BEFORE_S - AFTER_S
        if told:
            pace.final_ms.append((told - speech_ended) * 1000)

    def _cpu_s(self, engine: str) -> float:
        times = [psutil.Process(worker.pid).cpu_times() for worker in self._pools[engine].workers]
        return float(sum(each.user + each.system for each in times))

    @asynccontextmanager
    async def unhurried(self) -> AsyncIterator[None]:
        """As on a machine with a core to spare, whatever else runs here: what is heard is not to depend on that."""
        whisper = self._pools["whisper"]
        assert isinstance(whisper, whisper_pool.Pool)
        with ExitStack() as stack:
            for where, name, value in (
                (whisper, "decode_s", min(whisper.decode_s, QUICK_S)),
                (whisper_pool, "SMOOTH", 0.0),
                (whisper_pool, "WAIT_S", PATIENCE_S),
                (whisper_pool, "HUNG_S", PATIENCE_S),
                (local_pool, "STALL_S", PATIENCE_S),
            ):
                stack.enter_context(patch.object(where, name, value))
            yield


@asynccontextmanager
async def ears(folder: Path) -> AsyncIterator[Ears]:
    """The recognisers of this machine with the front desk's language model, built into `folder`."""
    settings = Settings.read(agents_dir=AGENTS, agent=AGENT, data_dir=folder)
    providers: dict[str, Whisper | Local] = {"whisper": Whisper(settings), "local": Local(settings)}
    introduce(providers)
    detector = Detector()
    try:
        await _loaded(providers)
        yield Ears(providers, detector)
    finally:
        await detector.aclose()
        for provider in providers.values():
            await provider.aclose()


async def _loaded(providers: Mapping[str, Whisper | Local]) -> None:
    whisper = providers["whisper"]
    assert isinstance(whisper, Whisper)
    async with asyncio.timeout(LOADING_S):
        while True:
            try:
                return await whisper.pool.ready()
            except Unavailable:
                continue


def _messages(audio: bytes, line: str) -> list[bytes]:
    step = MESSAGE_MS * LINES[line].bytes_per_ms
    return [audio[at : at + step] for at in range(0, len(audio), step)]
