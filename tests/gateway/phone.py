"""A telephone at the carrier's end: dials the webhook, opens the stream, plays what it gets in real time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from typing import Any
from xml.etree import ElementTree

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from testbed.patience import PATIENCE_S

FRAME = 160
SILENCE = b"\xff" * FRAME
LOUD = bytes([0x10, 0x90] * (FRAME // 2))


async def ask_webhook(base_url: str, call_sid: str = "CA1", query: str = "", **form: str) -> ElementTree.Element:
    """The TwiML the webhook answers with."""
    async with httpx.AsyncClient() as client:
        fields = {"CallSid": call_sid, "From": "+15550100", "To": "+15550199", **form}
        response = await client.post(f"{base_url}/twilio-webhook{query}", data=fields)
    assert response.status_code == 200, response.text
    return ElementTree.fromstring(response.text)


def stream_of(twiml: ElementTree.Element) -> tuple[str, dict[str, str]]:
    """URL and parameters of `<Connect><Stream>`."""
    stream = twiml.find("Connect/Stream")
    assert stream is not None, ElementTree.tostring(twiml)
    return stream.attrib["url"], {p.attrib["name"]: p.attrib["value"] for p in stream.findall("Parameter")}


class Phone:
    """One Media Stream. `played` is what the caller heard, byte by byte; silence is not kept."""

    def __init__(self, *, marks: bool = True, mark_delay_s: float = 0.0) -> None:
        self.played = bytearray()
        self.messages: list[dict[str, Any]] = []
        self.cleared_at: list[float] = []
        self.most_buffered_ms = 0.0
        self.close_code: int | None = None
        self._marks, self._mark_delay_s = marks, mark_delay_s
        self._buffer: deque[tuple[bytes, str]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self.socket: ClientConnection

    async def dial(self, base_url: str, call_sid: str = "CA1", query: str = "") -> Phone:
        url, parameters = stream_of(await ask_webhook(base_url, call_sid, query))
        await self.connect(url)
        await self.start(call_sid, parameters)
        return self

    async def connect(self, url: str, **headers: str) -> None:
        self.socket = await websockets.connect(url, additional_headers=headers, compression=None)
        self._tasks = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._play())]

    async def start(self, call_sid: str, parameters: dict[str, str]) -> None:
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "accountSid": "AC1",
            "callSid": call_sid,
            "streamSid": "MZ1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        await self.send({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start})

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def speak(self, ms: int, frame: bytes = LOUD, paced: bool = False) -> None:
        payload = base64.b64encode(frame).decode()
        for n in range(ms // 20):
            media = {"track": "inbound", "chunk": str(n + 1), "timestamp": str(n * 20), "payload": payload}
            await self.send({"event": "media", "sequenceNumber": str(n + 2), "streamSid": "MZ1", "media": media})
            if paced:
                await asyncio.sleep(0.02)

    async def hang_up(self) -> None:
        stop = {"accountSid": "AC1", "callSid": "CA1"}
        await self.send({"event": "stop", "sequenceNumber": "9", "streamSid": "MZ1", "stop": stop})
        await self.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    async def closed(self) -> int:
        """The code the gateway closes with."""
        await self.until(lambda: self.close_code is not None)
        assert self.close_code is not None
        return self.close_code

    async def until(self, holds: Any, timeout_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def _listen(self) -> None:
        try:
            async for raw in self.socket:
                message = json.loads(raw)
                self.messages.append(message)
                assert message["streamSid"] == "MZ1"
                if message["event"] == "media":
                    self._buffer.append((base64.b64decode(message["media"]["payload"]), ""))
                    self.most_buffered_ms = max(self.most_buffered_ms, sum(len(a) for a, _ in self._buffer) / 8)
                elif message["event"] == "mark":
                    self._buffer.append((b"", message["mark"]["name"]))
                    self._return_marks()
                else:
                    self.cleared_at.append(time.monotonic())
                    names = [name for _, name in self._buffer if name]
                    self._buffer.clear()
                    for name in names:
                        self._return(name)
                self._news.set()
            self.close_code = self.socket.close_code
        except websockets.ConnectionClosed as closed:
            self.close_code = closed.rcvd.code if closed.rcvd else 1006
        self._news.set()

    async def _play(self) -> None:
        due = time.monotonic()
        while True:
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            want = FRAME
            while want and self._buffer:
                audio, name = self._buffer.popleft()
                if name:
                    self._buffer.appendleft((audio, name))
                    self._return_marks()
                    continue
                self.played += audio[:want]
                if len(audio) > want:
                    self._buffer.appendleft((audio[want:], ""))
                want = max(0, want - len(audio))
            self._return_marks()
            self._news.set()

    def _return_marks(self) -> None:
        while self._buffer and self._buffer[0][1]:
            self._return(self._buffer.popleft()[1])

    def _return(self, name: str) -> None:
        if self._marks:
            message = {"event": "mark", "sequenceNumber": "5", "streamSid": "MZ1", "mark": {"name": name}}
            self._tasks.append(asyncio.ensure_future(self._send_mark(message)))

    async def _send_mark(self, message: dict[str, Any]) -> None:
        if self._mark_delay_s:
            await asyncio.sleep(self._mark_delay_s)
        try:
            await self.send(message)
        except websockets.ConnectionClosed:
            return
