"""Sentences spoken to nobody, so that they are there when a caller waits for one.

A session names the short fixed sentences of its agent. Those that are not kept yet are spoken once, one after the
other, beside the calls. When the voice is away, this is given up until the next call begins: a sentence that is not
there is then made like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

from parley.aio import TaskSet
from parley.audio.wire import from_wire
from parley.errors import ParleyError
from parley.rpc import Peers
from parley.text.scripts import weight
from parley.text.words import has_words
from parley.v1 import tts_pb2
from services.gateway.metrics import REHEARSED
from services.gateway.mouth.track import Track
from services.gateway.voice.phrase_cache import Key, PhraseCache, Sound
from services.gateway.voice.synthesis import Synthesis

log = structlog.get_logger()

AFTER_S = 1.0
"""The greeting of the call that asks goes first."""
LIMIT_S = 15.0
MAX_DUE = 256
MAX_LETTERS = 200
"""Or what takes as long to say. Nobody plays what is rehearsed, so that all of it must find room in the track."""


class Prefetch:
    """One per process. `ask` never waits; what is asked for comes into `spoken`."""

    def __init__(self, tts: Peers, spoken: PhraseCache) -> None:
        self._tts = tts
        self.spoken = spoken
        self._due: dict[Key, tts_pb2.SynthesizeConfig] = {}
        self._tasks = TaskSet(self._broke)
        self._task: asyncio.Task[Any] | None = None

    def ask(self, config: tts_pb2.SynthesizeConfig, sentences: Iterable[str]) -> None:
        """Have these spoken in the voice and format of `config`, unless they are there."""
        for text in sentences:
            key = self.spoken.key(config, text)
            if key.voices < 0 or key in self._due or key in self.spoken or not has_words(text):
                continue
            if len(self._due) >= MAX_DUE or weight(text) > MAX_LETTERS:
                REHEARSED.labels("left out").inc()
                continue
            self._due[key] = config
        if self._due and (self._task is None or self._task.done()):
            self._task = self._tasks.spawn(self._run())

    async def close(self) -> None:
        await self._tasks.close()

    async def _run(self) -> None:
        await asyncio.sleep(AFTER_S)
        while self._due:
            key, config = next(iter(self._due.items()))
            try:
                async with asyncio.timeout(LIMIT_S):
                    sound = await self._speak(config, key.text)
            except (ParleyError, TimeoutError) as error:
                REHEARSED.labels("failed").inc()
                log.warning("sentences could not be spoken beforehand", left=len(self._due), error=str(error))
                self._due.clear()
                return
            del self._due[key]
            REHEARSED.labels("spoken").inc()
            self.spoken.keep(key, sound)

    async def _speak(self, config: tts_pb2.SynthesizeConfig, text: str) -> Sound:
        track = Track(from_wire(config.format, "format"))
        track.text, track.text_complete = text, True
        await Synthesis(self._tts, config, track, lambda: None).run()
        return Sound(track.take(int(track.size_ms) + 1), tuple(track.words))

    def _broke(self, error: BaseException) -> None:
        log.error("rehearsing sentences broke", exc_info=error)
        self._due.clear()
