"""ElevenLabs by its SDK's HTTP streaming: one request per phrase, for networks that let no socket through."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx

from parley.errors import VendorLost
from parley.words import has_words
from services.tts.contract import AudioChunk, TtsConfig
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
        aligner = Aligner()
        size = 0
        async for piece in text:
            said = aligner.text[-_CONTEXT:]
            aligner.given(piece)
            if not has_words(piece):
                continue
            async with aclosing(self._phrase(client, voice, piece, said, config)) as messages:
                begin_ms = size / config.format.bytes_per_ms
                timed = False
                async for message in messages:
                    timed = timed or bool(message.chars)
                    since_ms = _since_ms(message, begin_ms, size / config.format.bytes_per_ms)
                    size += len(message.audio)
                    yield AudioChunk(message.audio, tuple(message.words(aligner, since_ms)))
            if timed and not aligner.all_told:
                # The SDK drops lines that it cannot read.
                raise VendorLost("elevenlabs: a part of the audio is missing")
            yield AudioChunk(b"", tuple(aligner.rest(size / config.format.bytes_per_ms)))

    async def _phrase(
        self, client: Any, voice: str, text: str, said: str, config: TtsConfig
    ) -> AsyncGenerator[wire.Message, None]:
        from elevenlabs.core.api_error import ApiError

        if not self._untimed:
            try:
                async with aclosing(client.stream_with_timestamps(voice, **self._request(text, said, config))) as lines:
                    async for line in lines:
                        yield _timed(line)
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
                    yield wire.Message(audio, False, [], [], [])
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


def _since_ms(message: wire.Message, phrase_ms: float, line_ms: float) -> float:
    """What a line's times count from. Seen were both: the phrase's first byte, and the line's own.

    Its first character begins in the line's own audio, which tells them apart.
    """
    first = message.starts_ms[0] if message.starts_ms else 0.0
    return phrase_ms if phrase_ms + first >= line_ms - _ROUNDING_MS else line_ms


def _timed(line: Any) -> wire.Message:
    try:
        audio = binascii.a2b_base64(line.audio_base_64 or "")
        alignment = line.alignment
        if alignment is None:
            return wire.Message(audio, False, [], [], [])
        starts = [second * 1000 for second in alignment.character_start_times_seconds]
        ends = [second * 1000 for second in alignment.character_end_times_seconds]
        return wire.Message(audio, False, alignment.characters, starts, ends)
    except (ValueError, TypeError, AttributeError) as e:
        raise VendorLost(f"elevenlabs: a message that cannot be read ({type(e).__name__})") from e


def _refused(error: Any) -> Exception:
    detail = error.body.get("detail") if isinstance(error.body, dict) else None
    detail = detail if isinstance(detail, dict) else {"message": str(detail or "")}
    return wire.refusal(str(detail.get("status") or ""), str(detail.get("message") or ""), error.status_code or 0)


def _lost(error: httpx.HTTPError) -> VendorLost:
    return VendorLost(f"elevenlabs: the request was lost ({type(error).__name__})")
