"""Deepgram Flux, `/v2/listen`: a recogniser that also says when the turn is over. By Deepgram's SDK.

Made for the endpointing policy `vendor`; with the others its opinion is one among others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from parley.aio import background
from parley.audio import AudioFormat
from parley.settings import Settings
from services.stt.contract import Flush, SpeechEvent, SttConfig
from services.stt.providers.deepgram_line import Line, Manners, client, opened
from services.stt.providers.deepgram_messages import Messages
from services.stt.providers.flux_turns import EAGER, ENGINE, SURE, FluxTurns, Timeline

ENGLISH, OTHERS = "flux-general-en", "flux-general-multi"
LEAST_TIMEOUT_MS, TIMEOUT_MS = 500, 5000
KEEP_ALIVE_MS = 100


class Flux:
    """One object for all calls; one connection a call. See SpeechToTextProvider. Language `en`, or any as a hint.

    A turn ends by Flux's confidence, and at the latest `max_delay_ms` after the last word.
    """

    def __init__(self, settings: Settings) -> None:
        self._listen = client(settings).listen.v2  # here, since the SDK loads it when it is first asked for
        self._forces = True  # until a server does not know ForceEndTurn, and hangs up

    async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
        connection = self._listen.connect(**_query(config))
        socket = await opened(connection)
        timeline = Timeline(config.offset_ms)
        flush = _force_end if self._forces else _probe
        rate = config.format.bytes_per_ms
        messages = Messages(ENGINE, FluxTurns(timeline, lambda: timeline.leg_ms(line.sent_bytes / rate / 1000)))
        line = Line(socket, Manners(flush, _probe, lambda _: _fill(line, config.format, timeline)), messages)
        try:
            async with background(line.send(audio)), aclosing(line.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._forces = self._forces and not messages.not_understood
            line.abort()
            await connection.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """Nothing is open but the calls' own connections."""


def _query(config: SttConfig) -> dict[str, Any]:
    language = config.language.partition("-")[0].lower()
    english = language in ("", "en")
    query: dict[str, Any] = {
        "model": ENGLISH if english else OTHERS,
        "encoding": "linear16" if config.format.encoding == "pcm_s16le" else config.format.encoding,
        "sample_rate": config.format.rate,
        "eager_eot_threshold": EAGER,
        "eot_threshold": SURE,
        "eot_timeout_ms": max(LEAST_TIMEOUT_MS, min(config.endpointing.max_delay_ms or TIMEOUT_MS, 60_000)),
        "numerals": True,
        "keyterm": list(config.keyterms) or None,
    }
    return query if english else query | {"language_hint": [language]}


async def _force_end(socket: Any) -> None:
    """The turn's words now, if there is a turn; the answer to the probe tells if there is none."""
    await socket.send_force_end_turn()
    await _probe(socket)


async def _probe(socket: Any) -> None:
    """Always answered, and changes nothing."""
    await socket.send_configure({"type": "Configure", "thresholds": {"eot_threshold": SURE}})


async def _fill(line: Line, audio: AudioFormat, timeline: Timeline) -> None:
    """Flux knows no KeepAlive: a little silence, taken out of its timeline again."""
    timeline.made(line.sent_bytes // audio.bytes_per_ms, KEEP_ALIVE_MS)
    await line.send_media(audio.silence(KEEP_ALIVE_MS))
