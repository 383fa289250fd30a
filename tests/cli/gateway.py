"""A gateway that follows a script: it answers webhooks with the TwiML given and talks on the stream as told."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from parley.audio import pcm_to_mulaw
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call, Clock, Phone

Script = Callable[["Line"], Awaitable[None]]
Twiml = Callable[["FakeGateway", dict[str, str], int], str]
"""The document for a webhook: its form, and the how manyth it is."""


def connect(url: str, after: str = "", **parameters: str) -> str:
    """TwiML that opens a stream."""
    given = "".join(f'<Parameter name="{name}" value="{value}"/>' for name, value in parameters.items())
    return f'<Response><Connect><Stream url="{url}">{given}</Stream></Connect>{after}</Response>'


HANGUP = "<Response><Hangup/></Response>"


def tone(ms: int, level: float = 0.3) -> bytes:
    """Audible µ-law, 400 Hz."""
    t = np.arange(ms * 8) / 8000
    return pcm_to_mulaw((np.sin(2 * np.pi * 400 * t) * level * 32767).astype(np.int16))


class Gone(Exception):
    """The stream ended before what the script waits for."""


@dataclass
class Line:
    """The server's end of one stream."""

    socket: web.WebSocketResponse
    headers: dict[str, str]
    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    start: dict[str, Any] = field(default_factory=dict)
    _waiting: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: bool = False

    @property
    def sid(self) -> str:
        return str(self.start["streamSid"])

    async def media(self, data: bytes) -> None:
        payload = base64.b64encode(data).decode()
        await self.send({"event": "media", "streamSid": self.sid, "media": {"payload": payload}})

    async def mark(self, name: str) -> None:
        await self.send({"event": "mark", "streamSid": self.sid, "mark": {"name": name}})

    async def clear(self) -> None:
        await self.send({"event": "clear", "streamSid": self.sid})

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send_str(json.dumps(message))

    def of(self, event: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at, message) for at, message in self.messages if message["event"] == event]

    async def until(self, event: str, count: int = 1) -> tuple[float, dict[str, Any]]:
        """The `count`th message of a kind, with the time it came."""
        async with asyncio.timeout(PATIENCE_S), self._waiting:
            await self._waiting.wait_for(lambda: len(self.of(event)) >= count or self.ended)
        found = self.of(event)
        if len(found) < count:
            raise Gone(f"the call was over before {event} {count}")
        return found[count - 1]

    async def until_caller_silent(self, ms: int = 100, since: int = 0) -> float:
        """Until the caller has spoken and stopped; returns when the last audible frame came."""
        frames = since
        spoke = last = 0.0
        while True:
            await self.until("media", frames + 1)
            at, message = self.of("media")[frames]
            frames += 1
            if set(base64.b64decode(message["media"]["payload"])) != {0xFF}:
                spoke = spoke or at
                last = at
            if spoke and at - last >= ms / 1000:
                return last

    async def read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                async with self._waiting:
                    self.messages.append((time.monotonic(), json.loads(message.data)))
                    self._waiting.notify_all()
        async with self._waiting:
            self.ended = True
            self._waiting.notify_all()


@dataclass
class FakeGateway:
    script: Script
    url: str = ""
    twiml: Twiml | None = None
    lines: list[Line] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Path and query, form, headers of each webhook."""
    ready: bool = True

    @property
    def stream_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/twilio-stream"

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readiness(self, request: web.Request) -> web.Response:
        return web.json_response({}, status=200 if self.ready else 503)

    async def webhook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.path_qs, form, dict(request.headers)))
        if self.twiml is not None:
            document = self.twiml(self, form, len(self.asked))
        else:
            again = sum(asked[1]["CallSid"] == form["CallSid"] for asked in self.asked) > 1
            document = HANGUP if again else connect(self.stream_url, f"<Redirect>{request.path}</Redirect>")
        return web.Response(text=document, content_type="text/xml")

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = Line(socket, dict(request.headers))
        self.lines.append(line)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(line.read())
            _, started = await line.until("start")
            line.start = started["start"]
            try:
                await self.script(line)
            except Gone:
                pass
            finally:
                await socket.close()
            await reading
        return socket


@asynccontextmanager
async def called(script: Script, twiml: Twiml | None = None, **phone: Any) -> AsyncIterator[tuple[FakeGateway, Call]]:
    """A call to a fake gateway, from its first stream to hang-up."""
    async with (
        Clock() as clock,
        fake_gateway(script, twiml) as gateway,
        Phone(gateway.url, clock, **phone).dial() as call,
    ):
        yield gateway, call


@asynccontextmanager
async def fake_gateway(script: Script, twiml: Twiml | None = None) -> AsyncIterator[FakeGateway]:
    gateway = FakeGateway(script, twiml=twiml)
    app = web.Application()
    app.router.add_get("/health", gateway.health)
    app.router.add_get("/ready", gateway.readiness)
    app.router.add_post("/twilio-webhook", gateway.webhook)
    app.router.add_get("/twilio-stream", gateway.stream)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield gateway
    finally:
        await runner.cleanup()
