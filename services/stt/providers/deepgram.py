"""Deepgram live transcription, `/v1/listen` (Nova), by Deepgram's SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from parley.aio import background
from parley.errors import Misconfigured
from parley.settings import Settings
from services.stt.contract import Flush, SpeechEvent, SttConfig
from services.stt.providers.deepgram_line import Line, Manners, client, opened
from services.stt.providers.deepgram_messages import Messages
from services.stt.providers.deepgram_results import ENGINE, Results
from services.stt.providers.deepgram_settings import DeepgramSettings

ENDPOINTING_MS = 300
UTTERANCE_END_MS = 1000  # the least that Deepgram takes


class Deepgram:
    """One object for all calls; one connection a call. See SpeechToTextProvider.

    Words are made final after 300 ms of silence, or `config.endpointing.min_delay_ms` if that is less; when the turn is
    over is for the endpointing. Numbers come as digits; `smart_format` is off, since it holds results back until a
    number or a date is complete.
    """

    def __init__(self, settings: Settings) -> None:
        self._listen = client(settings).listen.v1  # here, since the SDK loads it when it is first asked for
        self._model = settings.own(DeepgramSettings).model
        if self._model.startswith("flux"):
            raise Misconfigured(f"PARLEY_DEEPGRAM_MODEL: {self._model} is an engine of its own; set PARLEY_STT=flux")

    async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
        connection = self._listen.connect(**self._query(config))
        socket = await opened(connection)
        rate = config.format.bytes_per_ms
        results = Results(config.offset_ms, lambda: config.offset_ms + line.sent_bytes // rate)
        line = Line(socket, _MANNERS, Messages(ENGINE, results))
        try:
            async with background(line.send(audio)), aclosing(line.events()) as events:
                async for event in events:
                    yield event
        finally:
            line.abort()
            await connection.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """Nothing is open but the calls' own connections."""

    def _query(self, config: SttConfig) -> dict[str, Any]:
        terms = list(config.keyterms) or None
        return {
            "model": self._model,
            "encoding": "linear16" if config.format.encoding == "pcm_s16le" else config.format.encoding,
            "sample_rate": config.format.rate,
            "channels": 1,
            "language": config.language,
            "interim_results": True,
            "punctuate": True,
            "numerals": True,
            "endpointing": min(config.endpointing.min_delay_ms or ENDPOINTING_MS, ENDPOINTING_MS),
            "utterance_end_ms": UTTERANCE_END_MS,
            "vad_events": True,
            "keyterm" if self._model.startswith("nova-3") else "keywords": terms,
        }


async def _finalize(socket: Any) -> None:
    await socket.send_finalize()


async def _keep_alive(socket: Any) -> None:
    await socket.send_keep_alive()


_MANNERS = Manners(flush=_finalize, probe=_finalize, keep_alive=_keep_alive)
