"""ElevenLabs by its SDK's HTTP streaming: one request per phrase, for networks that let no socket through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx

from parley.errors import NoSound, VendorLost
from parley.text.words import has_words
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.providers import elevenlabs_messages as messages
from services.tts.providers import elevenlabs_wire as wire
from services.tts.words import Aligner

_CHUNK_MS = 120
# What was said before, so that the voice goes on instead of starting anew.
_CONTEXT = 300
_CONNECT_S = 4.0
_READ_S = 30.0
_ROUNDING_MS = 50.0


class HttpSpeech:
    """The SDK is loaded at the first use: it takes most of a second, and is seldom needed."""

    def __init__(self, key: str, base: wire.Base, model: str) -> None:
        self._key, self._base, self._model = key, base, model
        self._client: Any = None
        self._pool: httpx.AsyncClient | None = None
        self._untimed = False

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def speak(self, voice: str, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        """Phrase by phrase. Word times come from the vendor; a server without them has them estimated per phrase."""
        client = await self._sdk()
        aligner, per_ms = Aligner(), config.format.bytes_per_ms
        size = 0
        async for piece in text:
            said = aligner.text[-_CONTEXT:]
            aligner.given(piece)
            if not has_words(piece):
                continue
            begin, chars, untimed = size, 0, False
            async with aclosing(self._phrase(client, voice, piece, said, config)) as coming:
                async for message in coming:
                    if message.torn and aligner.follows(message.chars):
                        raise VendorLost("elevenlabs: a part of the audio cannot be read")
                    chars += sum(len(char.strip()) for char in message.chars)
                    untimed = untimed or bool(message.audio and not message.chars)
                    since_ms = _since_ms(message, begin / per_ms, size / per_ms)
                    size += len(message.audio)
                    words = tuple(message.words(aligner, since_ms)) if not message.torn else ()
                    yield AudioChunk(message.audio, words)
                    if message.error is not None:
                        raise message.error
            if untimed or chars >= len("".join(piece.split())):
                yield AudioChunk(b"", tuple(aligner.rest(size / per_ms)))
            if not aligner.all_told:
                # The SDK drops lines that it cannot read.
                raise NoSound("elevenlabs: a part of the audio is missing")

    async def _phrase(
        self, client: Any, voice: str, text: str, said: str, config: TtsConfig
    ) -> AsyncGenerator[messages.Message, None]:
        from elevenlabs.core.api_error import ApiError

        if not self._untimed:
            try:
                async with aclosing(client.stream_with_timestamps(voice, **self._request(text, said, config))) as lines:
                    size, per_ms = 0, config.format.bytes_per_ms
                    async for line in lines:
                        if (message := _timed(line, per_ms, size / per_ms)) is not None:
                            size += len(message.audio)
                            yield message
                return
            except ApiError as e:
                # A server without this endpoint may have the plain one; a voice that does not exist fails there again.
                if e.status_code not in (404, 405):
                    raise _refused(e) from e
                self._untimed = True
            except httpx.HTTPError as e:
                raise _lost(e) from e
        options = self._request(text, said, config)
        options["request_options"]["chunk_size"] = _CHUNK_MS * config.format.bytes_per_ms
        try:
            async with aclosing(client.stream(voice, **options)) as pieces:
                async for audio in pieces:
                    yield messages.Message(audio)
        except ApiError as e:
            self._untimed = False
            raise _refused(e) from e
        except httpx.HTTPError as e:
            raise _lost(e) from e

    def _request(self, text: str, said: str, config: TtsConfig) -> dict[str, Any]:
        from elevenlabs import VoiceSettings

        request: dict[str, Any] = {
            "text": text,
            "model_id": self._model,
            "output_format": wire.output_format(config.format),
            "request_options": {"max_retries": 0},
        }
        if said:
            request["previous_text"] = said
        if language := wire.language_code(self._model, config.language):
            request["language_code"] = language
        if config.speed != 1:
            request["voice_settings"] = VoiceSettings(speed=wire.speed(config))
        return request

    async def _sdk(self) -> Any:
        if self._client is None:
            loaded = await asyncio.to_thread(_load)
            if self._client is None:
                patience = httpx.Timeout(_READ_S, connect=_CONNECT_S)
                self._pool = httpx.AsyncClient(timeout=patience, follow_redirects=True)
                self._client = loaded(api_key=self._key, base_url=self._base.http, httpx_client=self._pool)
        return self._client.text_to_speech


def _load() -> Any:
    from elevenlabs.client import AsyncElevenLabs

    return AsyncElevenLabs


def _since_ms(message: messages.Message, phrase_ms: float, line_ms: float) -> float:
    """What a line's times count from. Seen were both: the phrase's first byte, and the line's own.

    Its first character begins in the line's own audio, which tells them apart.
    """
    starts = message.times[1]
    return phrase_ms if phrase_ms + (starts[0] if starts else 0.0) >= line_ms - _ROUNDING_MS else line_ms


def _timed(line: Any, bytes_per_ms: int, before_ms: float) -> messages.Message | None:
    """A line of the SDK, which checks nothing in it, as the socket would have sent it."""
    data: dict[str, Any] = {**(getattr(line, "model_extra", None) or {}), "audio": getattr(line, "audio_base_64", None)}
    for name in ("alignment", "normalized_alignment"):
        alignment = getattr(line, name, None)
        starts = _milliseconds(getattr(alignment, "character_start_times_seconds", None))
        ends = _milliseconds(getattr(alignment, "character_end_times_seconds", None))
        pairs = zip(starts, ends, strict=False)
        lengths = [None if start is None or end is None else end - start for start, end in pairs]
        chars = getattr(alignment, "characters", None)
        data[name] = {"chars": chars, "charStartTimesMs": starts, "charDurationsMs": lengths}
    return messages.of(data, bytes_per_ms, before_ms)


def _milliseconds(seconds: Any) -> list[Any]:
    values = seconds if isinstance(seconds, list) else []
    return [each * 1000.0 if type(each) in (int, float) else None for each in values]


def _refused(error: Any) -> Exception:
    detail = error.body.get("detail") if isinstance(error.body, dict) else None
    detail = detail if isinstance(detail, dict) else {"message": str(detail or "")}
    return messages.refusal(str(detail.get("status") or ""), str(detail.get("message") or ""), error.status_code or 0)


def _lost(error: httpx.HTTPError) -> VendorLost:
    return VendorLost(f"elevenlabs: the request was lost ({type(error).__name__})")
