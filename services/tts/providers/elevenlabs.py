"""ElevenLabs: `/v1/text-to-speech/{voice}/stream-input`, or, where sockets are refused, the SDK's HTTP streaming."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import structlog
from prometheus_client import Counter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus

from parley.aio import background
from parley.errors import Misconfigured, ParleyError, VendorLost
from parley.settings import Settings
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.providers import elevenlabs_messages as messages
from services.tts.providers import elevenlabs_wire as wire
from services.tts.providers.elevenlabs_http import HttpSpeech
from services.tts.words import Aligner

log = structlog.get_logger()

_OPEN_S = 4.0
_MAX_MESSAGE = 4 << 20
# Where HTTP speaks and sockets are refused, that is remembered: only one utterance in this time tries again and waits
# for the refusal. A vendor that is away refuses both.
_REFUSED_FOR_S = 60.0
AFTER_LAST_S = 0.3
"""For sound behind a message that says it is the last, when words have none yet."""

SKIPPED = Counter("voice_tts_skipped_messages", "A voice's messages that nothing could be made of", ["engine", "why"])


class _UpgradeRefused(Exception):
    pass


class ElevenLabs:
    """One socket per utterance, opened while the first text is still on its way.

    Audio is asked for in the caller's format. Raises as `TextToSpeechProvider` says.
    """

    def __init__(self, settings: Settings) -> None:
        self._key = settings.elevenlabs_api_key.get_secret_value()
        if not self._key or not self._key.isascii() or not self._key.isprintable():
            raise Misconfigured("ELEVENLABS_API_KEY: the engine elevenlabs needs a key; set it, or PARLEY_TTS=local")
        self._base = wire.Base.parse(settings.elevenlabs_base_url)
        self._model = settings.elevenlabs_model
        self._voice = settings.elevenlabs_voice
        self._http = HttpSpeech(self._key, self._base, self._model)
        self._sockets_refused_until = 0.0
        # Made once: loading the certificates takes longer than opening the connection.
        self._tls = ssl.create_default_context() if self._base.ws.startswith("wss:") else None

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
                async with self._open(url) as socket, aclosing(_speak(socket, text, config)) as chunks:
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


class _Sent:
    """What was given to the vendor. `whole`: it was told that no more text comes."""

    def __init__(self) -> None:
        self.aligner = Aligner()
        self.whole = False


async def _send(socket: ClientConnection, text: AsyncIterator[str], config: TtsConfig, sent: _Sent) -> None:
    # A lost connection is seen, and told, by whoever reads from it.
    try:
        with suppress(ConnectionClosed):
            await socket.send(wire.opening(config))
            async for piece in text:
                sent.aligner.given(piece)
                await socket.send(wire.phrase(piece))
            sent.whole = True
            await socket.send(wire.CLOSING)
    except Exception:
        socket.transport.abort()
        raise


async def _speak(
    socket: ClientConnection, text: AsyncIterator[str], config: TtsConfig
) -> AsyncGenerator[AudioChunk, None]:
    sent = _Sent()
    aligner, per_ms = sent.aligner, config.format.bytes_per_ms
    size = 0
    async with background(_send(socket, text, config, sent)) as (sending,):
        try:
            async with aclosing(_messages(socket, sent, per_ms)) as coming:
                async for message in coming:
                    if message.error is None and message.torn and aligner.follows(message.chars):
                        raise VendorLost("elevenlabs: a part of the audio cannot be read")
                    words = tuple(message.words(aligner, size / per_ms)) if not message.torn else ()
                    size += len(message.audio)
                    if message.audio or words:
                        yield AudioChunk(message.audio, words)
                    if message.error is not None:
                        raise message.error
        except ConnectionClosed as e:
            _raise_of(sending)
            raise _closed(e) from e
        _raise_of(sending)
        if not sent.whole:
            raise VendorLost("elevenlabs: the socket was closed in the middle of the text")
        # Words that the vendor did not place: over the audio since the last one it did.
        if rest := tuple(aligner.rest(size / per_ms)):
            yield AudioChunk(b"", rest)


async def _messages(
    socket: ClientConnection, sent: _Sent, bytes_per_ms: int
) -> AsyncGenerator[messages.Message, None]:
    """What can be used, until the vendor has said that this was all. Raises ConnectionClosed.

    Behind a last message that comes too early the rest is waited for, for a moment. A message with sound that is the
    one before once more, where the text does not say so, is left out.
    """
    over_at: float | None = None
    before: messages.Message | None = None
    size = 0
    while True:
        try:
            async with asyncio.timeout_at(over_at):
                raw = await socket.recv()
        except (TimeoutError, ConnectionClosedOK):
            if socket.close_reason and isinstance(said := messages.refusal("", socket.close_reason), Misconfigured):
                raise said from None
            return
        message = messages.parse(raw, bytes_per_ms)
        if message is None:
            SKIPPED.labels("elevenlabs", "unknown").inc()
            continue
        if message == before and message.chars and not sent.aligner.follows(message.chars):
            SKIPPED.labels("elevenlabs", "twice").inc()
            continue
        before = message if message.audio else before
        size += len(message.audio)
        yield message
        if message.final and sent.whole:
            if sent.aligner.may_end(size / bytes_per_ms):
                return
            over_at = asyncio.get_running_loop().time() + AFTER_LAST_S


def _closed(error: ConnectionClosed) -> ParleyError:
    """Why the vendor hung up, as far as it says."""
    if error.rcvd is None:
        return VendorLost("elevenlabs: the connection was lost (no goodbye)")
    said = messages.refusal(error.rcvd.reason.replace(" ", "_"), error.rcvd.reason)
    if isinstance(said, VendorLost):
        return VendorLost(f"elevenlabs: the connection was lost ({error.rcvd.code})")
    return said


def _raise_of(sending: asyncio.Task[None]) -> None:
    if sending.done() and (error := sending.exception()) is not None:
        raise error
