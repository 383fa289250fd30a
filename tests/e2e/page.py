"""A page's client for `/ws/voice` and `/ws/chat`, after docs/protocol.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from parley.aio import background
from testbed.patience import PATIENCE_S

FRAME = 640
"""20 ms of 16 kHz s16le."""


class Page:
    """One socket. `messages`: all JSON that came; `audio`: the bot's voice, as if all of it was played at once;
    `session`: what was told with its token; `ready`: that it is in."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.call_id = ""
        self.messages: list[dict[str, Any]] = []
        self.audio = bytearray()
        self.session: dict[str, Any] = {}
        self.ready: dict[str, Any] = {}
        self._microphone = bytearray()
        self._news = asyncio.Event()

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def say(self, pcm: bytes) -> None:
        """Speak: the microphone carries it from now on; returns when the last frame was sent."""
        self._microphone += pcm
        while self._microphone:  # noqa: ASYNC110 - the microphone's own clock
            await asyncio.sleep(0.02)

    async def until(self, timeout_s: float = PATIENCE_S, **wanted: Any) -> dict[str, Any]:
        """The first message not asked for before that has these values. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                for place, message in enumerate(self.messages):
                    if all(message.get(key) == value for key, value in wanted.items()):
                        del self.messages[: place + 1]
                        return message
                self._news.clear()
                await self._news.wait()

    async def answer(self, timeout_s: float = PATIENCE_S) -> str:
        """In a chat: the bot's next whole utterance."""
        text: str = ""
        while True:
            said = await self.until(timeout_s, type="say")
            text += str(said["text"])
            if said["final"]:
                return text

    async def break_off(self) -> None:
        """The network is gone: no goodbye."""
        self._socket.transport.abort()
        await self._socket.wait_closed()

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._socket:
                await self._take(message)

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.audio += message
            return
        told = json.loads(message)
        if told["type"] == "mark":
            await asyncio.sleep(0)
            await self.send(type="mark", name=told["name"])
        self.messages.append(told)
        self._news.set()

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            frame = bytes(self._microphone[:FRAME]).ljust(FRAME, b"\0")
            del self._microphone[:FRAME]
            await self._socket.send(frame)
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))


@asynccontextmanager
async def page(gateway_url: str, door: str, agent: str = "") -> AsyncIterator[Page]:
    """A page that is in; hung up when the block is left."""
    async with httpx.AsyncClient(trust_env=False) as client:
        session = (await client.get(f"{gateway_url}/api/session", params={"door": door, "agent": agent})).json()
    async with connect(gateway_url.replace("http", "ws", 1) + f"/ws/{door}", proxy=None) as socket:
        visitor = Page(socket)
        visitor.session = session
        parts = [visitor._read(), *([visitor._speak()] if door == "voice" else [])]
        await visitor.send(type="start", token=session["token"])
        async with background(*parts):
            visitor.ready = await visitor.until(type="ready")
            visitor.call_id = visitor.ready["call_id"]
            yield visitor
            with suppress(ConnectionClosed):  # the bot was quicker
                await visitor.send(type="hang_up")


@asynccontextmanager
async def resumed(gateway_url: str, token: str) -> AsyncIterator[Page]:
    """The page of a chat whose connection was lost, once it gets through. `token`: the `resume` it was told."""
    socket = await _connected(gateway_url.replace("http", "ws", 1) + "/ws/chat")
    async with socket:
        visitor = Page(socket)
        await visitor.send(type="start", token=token)
        async with background(visitor._read()):
            yield visitor
            await visitor.send(type="hang_up")


async def _connected(url: str) -> ClientConnection:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await connect(url, proxy=None)
            except (OSError, InvalidStatus):
                await asyncio.sleep(0.1)
