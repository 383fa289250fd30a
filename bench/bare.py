"""The floor: one process that does a call by hand, with nothing around it.

`python -m bench.bare` answers the same webhook and speaks the same Twilio protocol as the gateway, passes the caller's
µ-law to Deepgram as it comes, sends what was said to the model, the first clause on to ElevenLabs, and its audio to the
caller as it comes. No state, no tools, no pause and resume, no heard text, no second process. It exists only to be
measured beside Parley in the same run, as what the vendors' protocols themselves cost.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect, ws_create_server

CLAUSE = re.compile(r"[.!?,;:](?=\s)|[.!?]$")
DEEPGRAM_QUERY = (
    "model=nova-3&encoding=mulaw&sample_rate=8000&channels=1&interim_results=true&endpointing={silence_ms}"
    "&utterance_end_ms=1000&vad_events=true"
)
PROMPT = "You answer the phone of a bicycle shop."


class Socket(WSListener):
    """A client socket whose text messages go to `receive`."""

    def __init__(self, receive: Callable[[Any], None]) -> None:
        self.receive = receive
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.receive(orjson.loads(frame.get_payload_as_memoryview()))

    def send(self, message: Any) -> None:
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, orjson.dumps(message))

    def close(self) -> None:
        if self.transport is not None:
            self.transport.disconnect(False)


class Call(WSListener):
    """One call, from the carrier's `start` to its end."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.transport: WSTransport | None = None
        self.sid = ""
        self.ears: Socket | None = None
        self.voice: Socket | None = None
        self.early: list[bytes] = []
        self.turn: asyncio.Task[None] | None = None
        self.text = ""
        self.speaking = False
        self.history: list[dict[str, str]] = [{"role": "system", "content": PROMPT}]
        self.tasks: set[asyncio.Task[None]] = set()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT:
            return
        message = orjson.loads(frame.get_payload_as_memoryview())
        match message["event"]:
            case "media":
                audio = base64.b64decode(message["media"]["payload"])
                if self.ears is not None and self.ears.transport is not None:
                    self.ears.transport.send(WSMsgType.BINARY, audio)
                else:
                    self.early.append(audio)
            case "start":
                self.sid = message["streamSid"]
                self._spawn(self._listen())
            case "stop":
                transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        for task in self.tasks:
            task.cancel()
        for socket in (self.ears, self.voice):
            if socket is not None:
                socket.close()

    def _spawn(self, coro: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(coro)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _listen(self) -> None:
        query = DEEPGRAM_QUERY.format(silence_ms=self.bot.silence_ms)
        ears = Socket(self._heard)
        transport, _ = await ws_connect(
            lambda: ears,
            f"{self.bot.deepgram}/v1/listen?{query}",
            extra_headers={"Authorization": f"Token {self.bot.deepgram_key}"},
        )
        for audio in self.early:
            transport.send(WSMsgType.BINARY, audio)
        self.early.clear()
        self.ears = ears
        await self._say_words([self.bot.greeting])

    def _heard(self, message: Any) -> None:
        kind = message["type"]
        if kind == "SpeechStarted" and self.speaking:
            self._shut_up()
        elif kind == "Results":
            alternative = message["channel"]["alternatives"][0]["transcript"]
            if message["is_final"]:
                self.text = f"{self.text} {alternative}".strip()
            if message.get("speech_final") and self.text:
                text, self.text = self.text, ""
                self._shut_up()
                self.turn = self._spawn(self._answer(text))

    def _shut_up(self) -> None:
        if self.turn is not None:
            self.turn.cancel()
            self.turn = None
        if self.voice is not None:
            self.voice.close()
            self.voice = None
        if self.speaking and self.transport is not None:
            self.speaking = False
            self.transport.send(WSMsgType.TEXT, b'{"event":"clear","streamSid":"%b"}' % self.sid.encode())

    async def _answer(self, text: str) -> None:
        self.history.append({"role": "user", "content": text})
        body = {"model": "bench", "stream": True, "messages": self.history}
        headers = {"Authorization": f"Bearer {self.bot.openai_key}"}
        voice = self._spawn_voice()
        answer = buffer = ""
        async with self.bot.http.post(f"{self.bot.openai}/chat/completions", json=body, headers=headers) as reply:
            async for line in reply.content:
                if not line.startswith(b"data: {"):
                    continue
                choices = orjson.loads(line[6:])["choices"]
                delta = choices[0]["delta"].get("content") if choices else None
                if not delta:
                    continue
                answer += delta
                buffer += delta
                if (mark := CLAUSE.search(buffer)) is not None:
                    (await voice).send({"text": buffer[: mark.end()] + " ", "flush": True})
                    buffer = buffer[mark.end() :].lstrip()
        socket = await voice
        if buffer:
            socket.send({"text": buffer + " ", "flush": True})
        socket.send({"text": ""})
        self.history.append({"role": "assistant", "content": answer})

    async def _say_words(self, phrases: list[str]) -> None:
        socket = await self._spawn_voice()
        for phrase in phrases:
            socket.send({"text": phrase + " ", "flush": True})
        socket.send({"text": ""})

    def _spawn_voice(self) -> asyncio.Future[Socket]:
        return asyncio.ensure_future(self._open_voice())

    async def _open_voice(self) -> Socket:
        socket = Socket(self._speak)
        await ws_connect(
            lambda: socket,
            f"{self.bot.elevenlabs}/v1/text-to-speech/bench/stream-input?output_format=ulaw_8000&model_id=bench",
            extra_headers={"xi-api-key": self.bot.elevenlabs_key},
        )
        self.voice = socket
        socket.send({"text": " "})
        return socket

    def _speak(self, message: Any) -> None:
        payload = message.get("audio")
        if payload and self.transport is not None:
            self.speaking = True
            template = b'{"event":"media","streamSid":"%b","media":{"payload":"%b"}}'
            self.transport.send(WSMsgType.TEXT, template % (self.sid.encode(), payload.encode()))


class Bot:
    """Settings and the one HTTP client."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.deepgram = _websocket(os.environ["DEEPGRAM_BASE_URL"])
        self.deepgram_key = os.environ["DEEPGRAM_API_KEY"]
        self.openai = os.environ["OPENAI_BASE_URL"].rstrip("/")
        self.openai_key = os.environ["OPENAI_API_KEY"]
        self.elevenlabs = _websocket(os.environ["ELEVENLABS_BASE_URL"])
        self.elevenlabs_key = os.environ["ELEVENLABS_API_KEY"]
        self.silence_ms = int(os.environ.get("BENCH_SILENCE_MS", "200"))
        self.greeting = "Bellweather Bikes, how can I help?"
        self.media_port = 0

    async def webhook(self, request: web.Request) -> web.Response:
        url = f"ws://127.0.0.1:{self.media_port}/media"
        twiml = f'<?xml version="1.0"?><Response><Connect><Stream url="{url}"/></Connect></Response>'
        return web.Response(text=twiml, content_type="text/xml")


def _websocket(url: str) -> str:
    return re.sub(r"^http", "ws", url).rstrip("/")


async def main() -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        bot = Bot(http)
        media = await ws_create_server(lambda request: Call(bot), "127.0.0.1", 0)
        bot.media_port = media.sockets[0].getsockname()[1]
        app = web.Application()
        app.router.add_post("/twilio-webhook", bot.webhook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
