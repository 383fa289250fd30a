"""ElevenLabs: `/v1/text-to-speech/{voice}/stream-input`, or, where sockets are refused, the SDK's HTTP streaming."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal
from urllib.request import getproxies

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from parley.errors import Misconfigured, VendorLost
from parley.settings import Settings
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.providers import elevenlabs_messages as messages
from services.tts.providers import elevenlabs_wire as wire
from services.tts.providers.elevenlabs_http import HttpSpeech
from services.tts.providers.elevenlabs_settings import ElevenLabsSettings
from services.tts.providers.elevenlabs_socket import speak

log = structlog.get_logger()

_OPEN_S = 4.0
_MAX_MESSAGE = 4 << 20
# Where HTTP speaks and sockets are refused, that is remembered: only one utterance in this time tries again and waits
# for the refusal. A vendor that is away refuses both.
_REFUSED_FOR_S = 60.0


class _UpgradeRefused(Exception):
    pass


class ElevenLabs:
    """One socket per utterance, opened while the first text is still on its way.

    Audio is asked for in the caller's format. Raises as `TextToSpeechProvider` says.
    """

    def __init__(self, settings: Settings) -> None:
        own = settings.own(ElevenLabsSettings)
        self._key = own.api_key.get_secret_value()
        if not self._key or not self._key.isascii() or not self._key.isprintable():
            raise Misconfigured("ELEVENLABS_API_KEY: the engine elevenlabs needs a key; set it, or PARLEY_TTS=local")
        self._base = wire.Base.parse(own.base_url)
        self._model = own.model
        self._voice = own.voice
        self._http = HttpSpeech(self._key, self._base, self._model)
        self._sockets_refused_until = 0.0
        # Made once: loading the certificates takes longer than opening the connection.
        self._tls = ssl.create_default_context() if self._base.ws.startswith("wss:") else None
        # Where there is none, it is not looked for again at each connection: that reads the whole environment.
        self._proxy: Literal[True] | None = True if getproxies() else None

    async def warm(self) -> None:
        """Nothing to do: connections are per utterance."""

    async def aclose(self) -> None:
        await self._http.aclose()

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncGenerator[AudioChunk, None]:
        voice = config.voice or self._voice
        url = wire.socket_url(self._base, voice, self._model, config)
        loop = asyncio.get_running_loop()
        refused = False
        if loop.time() >= self._sockets_refused_until:
            try:
                async with self._open(url) as socket, aclosing(speak(socket, text, config)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except _UpgradeRefused as e:
                refused = True
                log.warning("socket refused, speaking by http", reason=str(e), call_id=config.call_id)
        async with aclosing(self._http.speak(voice, text, config)) as chunks:
            async for chunk in chunks:
                if refused and chunk.data:
                    self._sockets_refused_until, refused = loop.time() + _REFUSED_FOR_S, False
                yield chunk

    @asynccontextmanager
    async def _open(self, url: str) -> AsyncIterator[ClientConnection]:
        try:
            socket = await connect(
                url,
                ssl=self._tls,
                proxy=self._proxy,
                additional_headers={"xi-api-key": self._key},
                compression=None,
                max_size=_MAX_MESSAGE,
                open_timeout=_OPEN_S,
                ping_interval=None,
            )
        except InvalidStatus as e:
            status = e.response.status_code
            if status in (401, 402, 429):
                raise messages.refusal("", "", status) from e
            raise _UpgradeRefused(f"status {status}") from e
        except InvalidHandshake as e:
            raise _UpgradeRefused(type(e).__name__) from e
        except (OSError, TimeoutError) as e:
            raise VendorLost(f"elevenlabs: cannot be reached ({type(e).__name__})") from e
        try:
            yield socket
        finally:
            # Finished or broken into, nothing more is due: a closing handshake would only take time, and a server
            # that has the whole text may not read our goodbye until it has sent all of the audio.
            socket.transport.abort()
            await socket.wait_closed()
