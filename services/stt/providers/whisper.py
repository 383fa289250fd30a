"""Whisper on this machine: understands any English (or what the model's folder knows), needs no key and no download.

Driven by our VAD. Final words have the times of the model's attention, off by some 100 ms; `confidence` is the mean
probability of the text's tokens. Speech that is not understood comes as a Final without text; noise as nothing, or as
an Interim without text when something was guessed or asked for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from parley.aio import background
from parley.errors import BadInput, Misconfigured
from parley.settings import Settings
from services.stt.contract import Edge, Endpointing, Flush, SpeechEvent, SpeechToTextProvider, SttConfig
from services.stt.whisper.hearing import Hearing
from services.stt.whisper.pool import Pool
from services.stt.whisper.settings import WhisperSettings
from services.stt.whisper.weights import VARIABLE, find


class Whisper:
    """Starts its workers, each of which loads the model (about a second) while the service begins to serve.

    Raises Misconfigured: a package or the model is missing, or there is no VAD to drive it.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.vad == "off":
            raise Misconfigured("PARLEY_VAD: the recogniser whisper is driven by it; set silero, or PARLEY_STT=local")
        cores = len(os.sched_getaffinity(0))
        self.pool = Pool(find(settings.own(WhisperSettings).model), min(settings.workers or cores, cores))
        self.second: SpeechToTextProvider | None = None
        """Who is asked about numbers; see whisper.second."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return  # made outside of a loop: its workers are served from the first call on
        self.pool.run()

    async def recognize_voice(
        self, audio: AsyncIterator[bytes | Flush | Edge | Endpointing], config: SttConfig
    ) -> AsyncIterator[SpeechEvent]:
        """Raises BadInput (language), AtCapacity, VendorLost (worker died), Unavailable (still loading)."""
        await self.pool.ready()
        hearing = Hearing(config, self.pool, self._language(config.language), self.second)
        try:
            async with background(hearing.pump(audio)):
                async for event in hearing.events():
                    yield event
        finally:
            await hearing.close()

    async def aclose(self) -> None:
        await self.pool.close()

    def _language(self, wanted: str) -> str:
        code = wanted.partition("-")[0].lower() or "en"
        if code not in self.pool.languages:
            known = "English only" if self.pool.languages == ("en",) else ", ".join(self.pool.languages)
            raise BadInput(f"language: this Whisper model knows {known}, not {wanted!r}; another goes into {VARIABLE}")
        return code
