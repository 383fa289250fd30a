"""A connection to Deepgram, whichever version it speaks: opened, kept alive, watched, closed.

The SDK connects and sends. What comes back is taken as plain JSON: the SDK's typed messages cost 56 us of CPU each, a
fifth of the whole service (this: 2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from parley.errors import Misconfigured, VendorLost
from parley.settings import Settings
from services.stt.contract import Flush, SpeechEvent
from services.stt.providers.deepgram_messages import Messages, closed, refused
from services.stt.providers.deepgram_settings import DeepgramSettings

CONNECT_S = 5.0
TICK_S = 0.5
KEEP_ALIVE_S = 4.0  # without audio or text for 10 s Deepgram closes (net0001)
PROBE_S = 10.0  # audio flows and not one message: ask for one
VOICE_S = 2.0  # the same when somebody speaks: interims come about every second
STALL_S = 2.0  # asked, and no message after it that can be read
ANSWER_S = 6.0  # asked for its words, and there is still only a guess: longer than anybody takes to make it final
CLOSE_S, CLOSE_LONGEST_S = 5.0, 15.0  # for the last results after CloseStream
MAX_MESSAGE = 1 << 20  # bytes; a larger one ends the stream
MAX_WAITING = 8  # messages; what else comes waits at the vendor


def client(settings: Settings) -> AsyncDeepgramClient:
    """Raises Misconfigured without a key, or for an address that is none."""
    own = settings.own(DeepgramSettings)
    key = own.api_key.get_secret_value()
    if not key:
        raise Misconfigured("DEEPGRAM_API_KEY: is empty; set it, or take another engine with PARLEY_STT=local")
    http, ws = bases(own.base_url)
    environment = DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)
    return AsyncDeepgramClient(api_key=key, environment=environment)


async def opened(connection: Any) -> Any:
    """The socket of one of the SDK's connections; the connection's `__aexit__` is the caller's to call.

    Raises what `refused` makes of it.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await connection.__aenter__()
    except (ApiError, InvalidHandshake, InvalidURI, OSError, TimeoutError) as e:
        raise refused(e) from e
    socket._websocket.max_size, socket._websocket.max_queue = MAX_MESSAGE, MAX_WAITING
    return socket


@dataclass(frozen=True, slots=True)
class Manners:
    """What one version of the protocol says. `probe` gets an answer from whoever lives."""

    flush: Callable[[Any], Awaitable[None]]
    probe: Callable[[Any], Awaitable[None]]
    keep_alive: Callable[[Any], Awaitable[None]]


class Line:
    """One connection, and whether it still lives. Only a message that can be read is a sign of life."""

    def __init__(self, socket: Any, manners: Manners, messages: Messages) -> None:
        self._socket = socket
        self._manners = manners
        self._messages, self._takes = messages, messages.takes
        self.sent_bytes = 0
        self._sent_at = self._heard_at = time.monotonic()
        self._audio_since_heard = False
        self._voice_at = 0.0
        self._asked_at = 0.0
        self._odd = False  # something came since it was asked, and could not be read
        self._flushed_at = 0.0
        self._closing_at = 0.0

    async def send(self, audio: AsyncIterator[bytes | Flush]) -> None:
        """Until the call's audio is over. What goes wrong here shows in `events`."""
        try:
            async for data in audio:
                if data is Flush.VOICE:
                    self._voice_at = self._voice_at or time.monotonic()
                    continue
                if isinstance(data, Flush):
                    self._flushed_at = time.monotonic()
                    await self._ask(self._manners.flush)
                elif data:  # an empty frame would end the stream
                    await self.send_media(data)
                    self._audio_since_heard = True
                self._sent_at = time.monotonic()
            self._closing_at = time.monotonic()
            await self._socket.send_close_stream()
        except ConnectionClosed:
            return

    async def send_media(self, audio: bytes) -> None:
        await self._socket.send_media(audio)
        self.sent_bytes += len(audio)

    async def events(self) -> AsyncGenerator[SpeechEvent, None]:
        """What is said, until all was. Raises VendorLost, and what `deepgram_messages` makes of an end."""
        look_at = time.monotonic() + TICK_S
        while True:
            try:
                raw = await self._receive()
            except ConnectionClosed as e:
                if not self._closing_at or e.rcvd is None or e.rcvd.code != 1000:
                    raise closed(e) from e
                for event in self._takes.unanswered() if self._takes.owes else ():
                    yield event
                return
            if raw is not None:
                told = self._messages.read(raw)
                self._note(told)
                for event in told or ():
                    yield event
            if raw is None or time.monotonic() >= look_at:
                for event in await self._look():
                    yield event
                look_at = time.monotonic() + TICK_S

    async def _receive(self) -> str | bytes | None:
        """The next message; None when there is none for a while. Raises ConnectionClosed."""
        protocol = self._socket._websocket
        try:
            async with asyncio.timeout(TICK_S):
                return cast("str | bytes", await protocol.recv())
        except TimeoutError:
            if protocol.transfer_data_task.done() and not protocol.messages:  # the socket's own end may take 10 s more
                raise cast(ConnectionClosed, protocol.connection_closed_exc()) from None
            return None

    def _note(self, told: Sequence[SpeechEvent] | None) -> None:
        """A message came."""
        if told is None:
            self._odd = True
            return
        self._heard_at = time.monotonic()
        if told and self._flushed_at:  # it is still at it
            self._flushed_at = self._heard_at
        self._audio_since_heard = False
        self._voice_at = self._asked_at = 0.0

    async def _look(self) -> list[SpeechEvent]:
        """Now and then: keeps the line alive, asks whether it is. Gives the words that were asked for in vain."""
        now = time.monotonic()
        if self._closing_at:
            if now - max(self._closing_at, self._heard_at) < CLOSE_S and now - self._closing_at < CLOSE_LONGEST_S:
                return []
            raise VendorLost("Deepgram did not end the stream")
        if self._is_in_vain(now):
            self._asked_at = self._flushed_at = 0.0
            return self._takes.unanswered()
        try:
            async with asyncio.timeout(TICK_S):
                if now - self._sent_at >= KEEP_ALIVE_S:
                    await self._manners.keep_alive(self._socket)
                    self._sent_at = now
                elif self._audio_since_heard and not self._asked_at and self._is_due(now):
                    await self._ask(self._manners.probe)
        except (TimeoutError, ConnectionClosed):
            self._asked_at = self._asked_at or now  # shows in the next `recv`, or as a stall
        return []

    async def _ask(self, how: Callable[[Any], Awaitable[None]]) -> None:
        """Not of who does not understand it: for him, silence is no answer."""
        if not self._messages.not_understood:
            self._asked_at, self._odd = time.monotonic(), False
            await how(self._socket)

    def _is_in_vain(self, now: float) -> bool:
        """It was asked and there is no answer that can be read, but it lives. Raises VendorLost when it does not.

        Who says something else lives, if there are words of his for the voice that was heard.
        """
        owes = self._takes.owes
        if self._asked_at and now - self._asked_at >= STALL_S:
            if self._odd and (owes or not self._voice_at):
                return True
            if self._audio_since_heard:
                raise VendorLost(f"Deepgram stalled: audio flows and nothing came for {now - self._heard_at:.0f} s")
        if not owes:
            self._flushed_at = 0.0
        return bool(self._flushed_at) and now - self._flushed_at >= ANSWER_S

    def _is_due(self, now: float) -> bool:
        """Whether a message should have come by now."""
        return now - self._heard_at >= PROBE_S or bool(self._voice_at and now - self._voice_at >= VOICE_S)

    def abort(self) -> None:
        """Ends the connection at once. The SDK's own way waits up to 20 s for a peer that is silent."""
        protocol = self._socket._websocket
        protocol.fail_connection(1000)
        if protocol.transport is not None:
            protocol.transport.abort()


def bases(url: str) -> tuple[str, str]:
    """http and ws base of an address given as either, with or without the path of the API. Raises Misconfigured."""
    parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
    schemes = {"http": ("http", "ws"), "ws": ("http", "ws"), "https": ("https", "wss"), "wss": ("https", "wss")}
    if parts.scheme not in schemes or not parts.hostname:
        raise Misconfigured(f"DEEPGRAM_BASE_URL: {url!r} is no address; write https://host or wss://host")
    path = parts.path.rstrip("/").removesuffix("/listen").removesuffix("/v1").removesuffix("/v2")
    http, ws = schemes[parts.scheme]
    return f"{http}://{parts.netloc}{path}", f"{ws}://{parts.netloc}{path}"
