"""Stand-in of ElevenLabs text to speech: HTTP streaming, streaming with timestamps, and the WebSockets.

Audio is made from the text that arrived, by `wordcodec`, so whoever hears it can tell which words were sent.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiohttp import web

from testbed.vendors.elevenlabs.context import Context, Send
from testbed.vendors.elevenlabs.socket import Received, Twist, VoiceSocket
from testbed.vendors.elevenlabs.speech import Chunk, TextBuffer, format_rate, speak
from testbed.vendors.faults import Fault
from testbed.vendors.server import VendorSim, port_of, shown_headers

_DEFAULT_FORMAT = "mp3_44100_128"


class ElevenLabsSim(VendorSim):
    """`ttfb_ms`: from text to its first audio. `speed`: times real time (0: at once). `chunk_ms`: audio per message.

    `snake_case`: the context socket says context_id and is_final, as the vendor has done for long stretches, where its
    documents say contextId and isFinal. `api_key` None takes any key but still wants one. A wrong key is refused with
    401 by HTTP, and by the WebSocket after the upgrade. `records` holds `Received`. `twist`: what is sent in
    place of each message of a socket, and of each line of a stream with timestamps.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        api_key: str | None = None,
        ttfb_ms: float = 0,
        speed: float = 0,
        chunk_ms: float = 240,
        snake_case: bool = False,
    ) -> None:
        super().__init__(port=port, host=host)
        self.api_key = api_key
        self.ttfb_ms = ttfb_ms
        self.speed = speed
        self.chunk_ms = chunk_ms
        self.snake_case = snake_case
        self.twist: Twist | None = None

    def routes(self) -> Iterable[web.RouteDef]:
        voice = "/v1/text-to-speech/{voice}"
        return [
            web.get(f"{voice}/stream-input", self._socket),
            web.get(f"{voice}/multi-stream-input", self._socket),
            web.post(f"{voice}/stream", self._stream),
            web.post(f"{voice}/stream/with-timestamps", self._stream),
        ]

    def _knows(self, key: str) -> bool:
        return bool(key) and self.api_key in (None, key)

    def _record(self, request: web.Request) -> Received:
        seen = Received(request.path, request.match_info["voice"], dict(request.query), shown_headers(request))
        seen.port = port_of(request)
        self.records.append(seen)
        self.note()
        return seen

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take(request.path)
        refused = await _told_to_refuse(fault)
        if refused is None:
            refused = _wrong_query(request)
        if refused is not None:
            return refused
        seen = self._record(request)

        def make(send: Send, buffer: TextBuffer) -> Context:
            return Context(
                send,
                buffer,
                output_format=request.query["output_format"],
                aligned=request.query.get("sync_alignment") == "true",
                ttfb_ms=self.ttfb_ms,
                speed=self.speed,
                chunk_ms=self.chunk_ms,
            )

        self.open_connections += 1
        socket = VoiceSocket(
            request,
            seen,
            fault,
            check_key=self._knows,
            make=make,
            note=self.note,
            snake_case=self.snake_case,
            twist=self.twist,
        )
        try:
            with self.living(seen.voice, socket.strike):
                await socket.serve()
        finally:
            seen.over_at = time.monotonic()
            self.open_connections -= 1
            self.note()
        return socket.ws

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take(request.path)
        refused = await _told_to_refuse(fault) or _wrong_query(request)
        if refused is not None:
            return refused
        if not self._knows(request.headers.get("xi-api-key", "")):
            return _refusal(401, "invalid_api_key", "Invalid API key")
        try:
            body = await request.json()
            text = body["text"]
            if not isinstance(text, str) or not text.strip():
                raise ValueError("text: must not be empty")
        except (KeyError, TypeError, ValueError) as error:
            return _refusal(422, "invalid_request", f"text: {error}")
        seen = self._record(request)
        seen.take(text)
        seen.messages.append(body)
        seen.spoken.append(text)
        timed = request.path.endswith("with-timestamps")
        response = web.StreamResponse(headers={"Content-Type": "application/json" if timed else "audio/basic"})
        await response.prepare(request)
        self.open_connections += 1
        try:
            async for chunk in self._paced(text, request.query["output_format"]):
                if fault and fault.begins((time.monotonic() - seen.at) * 1000, 0, seen.audio_chunks):
                    if await _fail(request, response, fault):
                        return response
                    fault = None
                for line in self._lines(seen, chunk) if timed else [chunk.audio]:
                    await response.write(line)
                seen.first_audio_at = seen.first_audio_at or time.monotonic()
                seen.audio_chunks += 1
            await response.write_eof()
            seen.finished = True
        finally:
            seen.over_at = time.monotonic()
            self.open_connections -= 1
            self.note()
        return response

    def _lines(self, seen: Received, chunk: Chunk) -> list[bytes]:
        sent = self.twist(seen, _timed(chunk)) if self.twist is not None else [_timed(chunk)]
        lines = [json.dumps(line).encode() if isinstance(line, dict) else line for line in sent]
        return [(line.encode() if isinstance(line, str) else line) + b"\n" for line in lines]

    async def _paced(self, text: str, output_format: str) -> AsyncIterator[Chunk]:
        due = time.monotonic() + self.ttfb_ms / 1000
        for chunk in speak(text, output_format, self.chunk_ms):
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            yield chunk
            due += chunk.duration_ms / 1000 / self.speed if self.speed else 0.0


def _timed(chunk: Chunk) -> dict[str, Any]:
    """One line: times in seconds, as HTTP has them."""
    starts = [start / 1000 for start in chunk.starts_ms]
    ends = [(s + d) / 1000 for s, d in zip(chunk.starts_ms, chunk.durations_ms, strict=True)]
    alignment = {
        "characters": chunk.chars,
        "character_start_times_seconds": starts,
        "character_end_times_seconds": ends,
    }
    audio = base64.b64encode(chunk.audio).decode()
    return {"audio_base64": audio, "alignment": alignment, "normalized_alignment": alignment}


async def _told_to_refuse(fault: Fault | None) -> web.Response | None:
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.after_ms / 1000)
    if fault and fault.kind == "refuse":
        return _refusal(fault.status, "too_many_concurrent_requests" if fault.status == 429 else "error", fault.message)
    return None


def _wrong_query(request: web.Request) -> web.Response | None:
    try:
        format_rate(request.query.get("output_format", _DEFAULT_FORMAT))
        if not 0 < float(request.query.get("inactivity_timeout", "20")) <= 180:
            raise ValueError("inactivity_timeout: must be within 0-180 s")
    except ValueError as error:
        return _refusal(400, "invalid_parameters", str(error))
    return None


def _refusal(status: int, name: str, message: str) -> web.Response:
    return web.json_response({"detail": {"status": name, "message": message}}, status=status)


async def _fail(request: web.Request, response: web.StreamResponse, fault: Fault) -> bool:
    """Does what the fault says in mid-stream; True if that ends the stream."""
    if fault.kind == "garbage":
        await response.write(b"<html>502 Bad Gateway</html>\n")
    elif fault.kind == "stall":
        await asyncio.Event().wait()
    elif fault.kind in ("close", "error"):
        if request.transport is not None:
            request.transport.abort()
        return True
    return False
