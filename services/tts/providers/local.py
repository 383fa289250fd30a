"""The voice of this machine: espeak-ng in a process of its own, phrase by phrase."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from parley.audio import TELEPHONE
from parley.errors import BadInput, Misconfigured, ParleyError, VendorLost
from parley.settings import Settings
from parley.text.words import has_words, unit_at
from services.tts.contract import AudioChunk, TtsConfig, WordTime
from services.tts.local import pipe
from services.tts.local.client import Voice, VoiceProcess
from services.tts.local.pieces import pause_ms, pieces, readable
from services.tts.words import spread

DEFAULT_VOICE = "en-us+klatt4"
_VARIANT = "+klatt4"
# espeak-ng makes a path of it.
_VOICE = re.compile(r"[A-Za-z0-9][\w +-]{0,63}")
_RATES = range(8000, 48001)


class Local:
    """One process serves all calls; a call has one phrase in it at a time, so that they take turns.

    Raises as `TextToSpeechProvider` says; a death of the process is VendorLost, and the next call starts it again.
    """

    def __init__(self, _settings: Settings) -> None:
        try:
            import espeakng_loader  # noqa: F401 - loads no library: that is for the process
        except ModuleNotFoundError as e:
            raise Misconfigured("PARLEY_TTS: engine 'local' needs espeakng-loader; install parley[espeak]") from e
        self.process = VoiceProcess()

    async def warm(self) -> None:
        """Start the process and have it speak, so that its libraries are in memory."""
        with suppress(ParleyError):
            async with self.process.stream() as stream:
                await stream.say(pipe.Piece("hello", DEFAULT_VOICE, 1.0, TELEPHONE.encoding, TELEPHONE.rate))
                async for _ in _heard(stream):
                    pass

    async def aclose(self) -> None:
        await self.process.aclose()

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        if config.format.rate not in _RATES:
            raise BadInput(f"format: sample_rate_hz must be 8000 to 48000; it is {config.format.rate}")
        voice = config.voice or _voice_of(config.language)
        if not _VOICE.fullmatch(voice):
            raise Misconfigured(f"voice: {voice[:64]!r} is no name of a voice; try en-us or en-us+f3")
        said, size, pause = 0, 0, 0
        async with self.process.stream() as stream:
            async for phrase in text:
                for begin, part in pieces(phrase):
                    if not has_words(part):
                        pause = pause_ms(part) or pause
                        continue
                    encoding, rate = config.format.encoding, config.format.rate
                    piece = pipe.Piece(readable(part), voice, config.speed, encoding, rate, pause)
                    words = _Words(part, said + begin, size / config.format.bytes_per_ms)
                    await stream.say(piece)
                    async for data, starts in _heard(stream):
                        size += len(data)
                        yield AudioChunk(data, tuple(words.take(starts)))
                    yield AudioChunk(b"", tuple(words.rest(size / config.format.bytes_per_ms)))
                    pause = pause_ms(part)
                said += len(phrase)


async def _heard(stream: Voice) -> AsyncGenerator[tuple[bytes, list[tuple[int, int]]], None]:
    while True:
        kind, payload = await stream.hear()
        if kind == pipe.AUDIO:
            words, data = pipe.unpack_audio(payload)
            yield data, words
        elif kind == pipe.DONE:
            if payload:
                raise Misconfigured(payload.decode())
            return
        else:
            raise VendorLost(f"local: a frame of kind {kind} from the voice's process")


def _voice_of(language: str) -> str:
    """The default, or the same kind of voice in another language."""
    return DEFAULT_VOICE if language.lower() in ("", "en", "en-us") else language.lower() + _VARIANT


class _Words:
    """Times of a piece's words from the places where espeak says one begins; a word is told when the next one begins.

    espeak tells several beginnings for "1234" and none for a word that it runs together with its neighbour.
    """

    def __init__(self, part: str, char_base: int, ms_base: float) -> None:
        self._part = part
        self._chars, self._ms = char_base, ms_base
        self._told_to = 0
        self._begun: tuple[int, int, float] | None = None

    def take(self, starts: list[tuple[int, int]]) -> list[WordTime]:
        told: list[WordTime] = []
        for place, at in starts:
            word = unit_at(self._part, max(place, 0))
            if word is None or (self._begun is not None and word[0] <= self._begun[0]):
                continue
            told += self._until(word[0], self._ms + at)
            self._begun = (*word, self._ms + at)
        return told

    def rest(self, until_ms: float) -> list[WordTime]:
        return self._until(len(self._part), until_ms)

    def _until(self, end: int, ms: float) -> list[WordTime]:
        """The words before `end`, which sound until `ms`: the one begun, and those that were not announced."""
        begin_ms = self._begun[2] if self._begun else self._ms
        told = spread(self._part, self._told_to, end, begin_ms, ms)
        self._told_to = end
        return [WordTime(self._chars + w.char_start, self._chars + w.char_end, w.start_ms, w.end_ms) for w in told]
