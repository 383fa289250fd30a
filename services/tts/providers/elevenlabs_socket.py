"""One utterance over one socket of ElevenLabs: text goes in, messages come back, and it is known when that was all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from prometheus_client import Counter
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from parley.aio import background
from parley.errors import Misconfigured, NoSound, ParleyError, VendorLost
from services.tts.contract import AudioChunk, TtsConfig
from services.tts.providers import elevenlabs_messages as messages
from services.tts.providers import elevenlabs_wire as wire
from services.tts.words import Aligner

_ROUNDING_MS = 50.0
AFTER_LAST_S = 0.3
"""For more behind a message that says it is the last, when it may not be."""

SKIPPED = Counter("voice_tts_skipped_messages", "A voice's messages that nothing could be made of", ["engine", "why"])


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


async def speak(
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
                    since_ms = _since_ms(message, size / per_ms, len(message.audio) / per_ms)
                    words = () if since_ms is None or message.torn else tuple(message.words(aligner, since_ms))
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
        if not aligner.may_end(size / per_ms):
            raise NoSound(f"elevenlabs: {'the sound ended before the words did' if size else 'no sound came'}")
        # Words that the vendor did not place: over the audio since the last one it did.
        if rest := tuple(aligner.rest(size / per_ms)):
            yield AudioChunk(b"", rest)


async def _messages(socket: ClientConnection, sent: _Sent, bytes_per_ms: int) -> AsyncGenerator[messages.Message, None]:
    """What can be used, until the vendor has said that this was all. Raises ConnectionClosed.

    A last message that may not be one (it has sound, or words have none) is followed by more within a moment, or by the
    end. A message with sound that is the one before once more, where the text does not say so, is left out.
    """
    before: messages.Message | None = None
    over = False
    while True:
        try:
            if over:
                async with asyncio.timeout(AFTER_LAST_S):
                    raw = await socket.recv()
            else:
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
        yield message
        if message.final and sent.whole:
            if not message.audio and sent.aligner.all_told:
                return
            over = True


def _since_ms(message: messages.Message, at_ms: float, audio_ms: float) -> float | None:
    """What its times count from: its own audio, which begins at `at_ms`; where they lie behind that, the stream's.

    None: they fit neither.
    """
    first = message.times[1][0] if message.chars else 0.0
    if not message.audio or first <= audio_ms:
        return at_ms
    return 0.0 if at_ms - _ROUNDING_MS <= first <= at_ms + audio_ms else None


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
