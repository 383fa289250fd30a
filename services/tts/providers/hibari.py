"""hibari: a natural English voice on this machine, in a process of its own; other scripts are espeak-ng's."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from importlib.util import find_spec

from parley.audio import TELEPHONE
from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, VendorLost
from parley.settings import Settings
from parley.text.words import has_words
from services.tts.contract import AudioChunk, TextToSpeechProvider, TtsConfig, WordTime
from services.tts.hibari.passages import UNKNOWN, Passage, passages
from services.tts.hibari.settings import HibariSettings
from services.tts.hibari.telling import Told
from services.tts.local import pipe
from services.tts.local.client import Voice, VoiceProcess
from services.tts.local.pieces import pause_ms, readable
from services.tts.providers import ENGINES

MODULE = "services.tts.hibari.process"
# A caller names a voice; only the setting names a file.
_VOICE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ERRORS: tuple[tuple[bytes, type[ParleyError]], ...] = (
    (pipe.BUSY, AtCapacity),
    (pipe.WRONG, Misconfigured),
    (pipe.BROKEN, VendorLost),
)
_RATES = range(8000, 48001)


class Hibari:
    """One process serves all calls; a call has one piece in it at a time, so that they take turns.

    Raises as `TextToSpeechProvider` says. Sound that it does not make (other scripts) is asked of espeak-ng, where that
    is installed; else those words count as said with the words around them.
    """

    def __init__(self, settings: Settings) -> None:
        if find_spec("hibari") is None:
            raise Misconfigured("PARLEY_TTS: engine 'hibari' needs hibari-tts; install parley[local]")
        self._voice = settings.own(HibariSettings).voice
        if self._voice:
            from services.tts.hibari import voices

            voices.find(self._voice)
        self.process = VoiceProcess("hibari", MODULE)
        self._others: TextToSpeechProvider | None = None
        if find_spec("espeakng_loader") is not None:
            from services.tts.providers.local import Local

            self._others = Local(settings)

    async def warm(self) -> None:
        """Start the process and have it speak, so that its network is in memory."""
        with suppress(ParleyError):
            async with self.process.stream() as stream:
                await stream.say(pipe.Piece("Hello.", self._voice, 1.0, TELEPHONE.encoding, TELEPHONE.rate))
                async for _ in _heard(stream):
                    pass

    async def aclose(self) -> None:
        await self.process.aclose()
        if self._others is not None:
            await self._others.aclose()

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        if config.format.rate not in _RATES:
            raise BadInput(f"format: sample_rate_hz must be 8000 to 48000; it is {config.format.rate}")
        if not ENGINES["hibari"].speaks(config.language):
            async for chunk in self._elsewhere(text, config, config.language):
                yield chunk
            return
        voice = config.voice or self._voice
        if config.voice and not _VOICE.fullmatch(config.voice):
            raise Misconfigured(f"voice: {config.voice[:64]!r} is no name of a voice of hibari")
        said, told, pause = 0, Told(config), 0
        async with self.process.stream() as stream:
            async for phrase in text:
                for passage in passages(phrase):
                    told.begin(said + passage.begin, passage.text)
                    if not has_words(passage.text):
                        pause = pause_ms(passage.text) or pause
                        continue
                    async with aclosing(self._say(stream, passage, config, voice, pause)) as chunks:
                        async for data, words in chunks:
                            yield told.chunk(data, words)
                    yield told.rest()
                    pause = pause_ms(passage.text)
                said += len(phrase)

    async def _say(
        self, stream: Voice, passage: Passage, config: TtsConfig, voice: str, pause: int
    ) -> AsyncGenerator[tuple[bytes, list[WordTime]], None]:
        """Our sound of it, else another's, else none."""
        audio, silent = config.format, True
        if not passage.language:
            await stream.say(pipe.Piece(readable(passage.text), voice, config.speed, audio.encoding, audio.rate, pause))
            async for data, words in _heard(stream):
                silent = False
                yield data, words
        if silent and self._others is not None:
            others = self._elsewhere(
                _once(passage.text), config, config.language if passage.language in ("", UNKNOWN) else passage.language
            )
            # A language that it does not have either is as silent.
            with suppress(Misconfigured):
                async with aclosing(others) as chunks:
                    async for chunk in chunks:
                        yield chunk.data, list(chunk.words)

    async def _elsewhere(
        self, text: AsyncIterator[str], config: TtsConfig, language: str
    ) -> AsyncGenerator[AudioChunk, None]:
        if self._others is None:
            raise Misconfigured(f"language: hibari speaks English, not {language!r}; install parley[espeak]")
        stream = self._others.synthesize(text, replace(config, voice="", language=language))
        async with aclosing(stream):  # type: ignore[type-var]
            async for chunk in stream:
                yield chunk


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def _heard(stream: Voice) -> AsyncGenerator[tuple[bytes, list[WordTime]], None]:
    while True:
        kind, payload = await stream.hear()
        if kind == pipe.SPOKEN:
            words, data = pipe.unpack_spoken(payload)
            yield data, words
        elif kind == pipe.DONE:
            for why, error in _ERRORS:
                if payload.startswith(why):
                    raise error(f"hibari: {payload.removeprefix(why).decode()}")
            return
        else:
            raise VendorLost(f"hibari: a frame of kind {kind} from the voice's process")
