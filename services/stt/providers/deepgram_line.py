"""A connection to Deepgram, whichever version it speaks: opened, kept alive, watched, closed.

The SDK connects and sends. What comes back is taken as plain JSON: the SDK's typed messages cost 56 us of CPU each, a
fifth of the whole service (this: 2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, VendorLost
from parley.settings import Settings
from services.stt.contract import Flush

CONNECT_S = 5.0
TICK_S = 0.5
KEEP_ALIVE_S = 4.0  # without audio or text for 10 s Deepgram closes (net0001)
PROBE_S = 10.0  # audio flows and not one message: ask for one
VOICE_S = 2.0  # the same when somebody speaks: interims come about every second
STALL_S = 2.0  # asked, and no message at all after it
CLOSE_S = 5.0  # for the last results after CloseStream


def client(settings: Settings) -> AsyncDeepgramClient:
    """Raises Misconfigured without a key, or for an address that is none."""
    key = settings.deepgram_api_key.get_secret_value()
    if not key:
        raise Misconfigured("DEEPGRAM_API_KEY: is empty; set it, or take another engine with PARLEY_STT=local")
    http, ws = bases(settings.deepgram_base_url)
    environment = DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)
    return AsyncDeepgramClient(api_key=key, environment=environment)


async def opened(connection: Any) -> Any:
    """The socket of one of the SDK's connections; the connection's `__aexit__` is the caller's to call.

    Raises Misconfigured, BadInput, AtCapacity, VendorLost.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            return await connection.__aenter__()
    except (ApiError, InvalidHandshake, InvalidURI, OSError, TimeoutError) as e:
        raise refused(e) from e


@dataclass(frozen=True, slots=True)
class Manners:
    """What one version of the protocol says. `probe` gets an answer from whoever lives."""

    flush: Callable[[Any], Awaitable[None]]
    probe: Callable[[Any], Awaitable[None]]
    keep_alive: Callable[[Any], Awaitable[None]]


class Line:
    """One connection, and whether it still lives."""

    def __init__(self, socket: Any, manners: Manners) -> None:
        self._socket = socket
        self._manners = manners
        self.sent_bytes = 0
        self._sent_at = self._heard_at = time.monotonic()
        self._audio_since_heard = False
        self._voice_at = 0.0
        self._asked_at = 0.0
        self._closing_at = 0.0

    async def send(self, audio: AsyncIterator[bytes | Flush]) -> None:
        """Until the call's audio is over. What goes wrong here shows in `receive`."""
        try:
            async for data in audio:
                if data is Flush.VOICE:
                    self._voice_at = self._voice_at or time.monotonic()
                    continue
                if isinstance(data, Flush):
                    self._asked_at = time.monotonic()
                    await self._manners.flush(self._socket)
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

    async def receive(self) -> Any:
        """The next message; None when all was said. Raises VendorLost."""
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    message = orjson.loads(await self._socket._websocket.recv())
            except TimeoutError:
                if await self._look():
                    return None
                continue
            except ConnectionClosed as e:
                if self._closing_at and e.rcvd is not None and e.rcvd.code == 1000:
                    return None
                said = f"{e.rcvd.code} {e.rcvd.reason}" if e.rcvd is not None else "no goodbye"
                raise VendorLost(f"Deepgram closed in mid-stream: {said}") from e
            except orjson.JSONDecodeError as e:
                raise VendorLost("Deepgram sent what is no JSON") from e
            self._heard_at = time.monotonic()
            self._audio_since_heard = False
            self._voice_at = self._asked_at = 0.0
            return message

    async def _look(self) -> bool:
        """A while without a message: keeps the line alive, asks whether it is. True: there is nothing more to come."""
        now = time.monotonic()
        if self._closing_at:
            if now - self._closing_at < CLOSE_S:
                return False
            raise VendorLost("Deepgram did not end the stream")
        if self._asked_at and now - self._asked_at >= STALL_S and self._audio_since_heard:
            raise VendorLost(f"Deepgram stalled: audio flows and nothing came for {now - self._heard_at:.0f} s")
        try:
            async with asyncio.timeout(TICK_S):
                if now - self._sent_at >= KEEP_ALIVE_S:
                    await self._manners.keep_alive(self._socket)
                    self._sent_at = now
                elif self._audio_since_heard and not self._asked_at and self._is_due(now):
                    self._asked_at = now
                    await self._manners.probe(self._socket)
        except (TimeoutError, ConnectionClosed):
            self._asked_at = self._asked_at or now  # shows in the next `receive`, or as a stall
        return False

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


def refused(error: Exception) -> ParleyError:
    """Why no connection came about."""
    status = error.status_code if isinstance(error, ApiError) else None
    match status:
        case 401 | 403:
            return Misconfigured(f"DEEPGRAM_API_KEY: Deepgram refuses the key ({status})")
        case 402:
            return Misconfigured("DEEPGRAM_API_KEY: Deepgram's account has no credit (402)")
        case 400:
            return BadInput("Deepgram refuses the request (400); check language, keyterms and PARLEY_DEEPGRAM_MODEL")
        case 429:
            return AtCapacity("Deepgram takes no more streams at once (429)")
        case None:
            return VendorLost(f"Deepgram cannot be reached: {type(error).__name__}")
        case _:
            return VendorLost(f"Deepgram answered {status}")
