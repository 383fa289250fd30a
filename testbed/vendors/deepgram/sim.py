"""Stand-in of Deepgram live transcription: `/v1/listen` (Nova) here, `/v2/listen` (Flux) in `deepgram_flux`.

Every result comes from the audio that arrived; `endpointing` and `utterance_end_ms` run on the audio's timeline.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from testbed.vendors.decoder import Word
from testbed.vendors.deepgram.ear import Ear
from testbed.vendors.deepgram.flux import FluxQuery, FluxStream
from testbed.vendors.deepgram.nova import NovaQuery, NovaStream
from testbed.vendors.faults import GARBAGE, Fault
from testbed.vendors.raw import Script, Scripts
from testbed.vendors.server import VendorSim, port_of, shown_headers
from testbed.vendors.sockets import Goodbye, Outbox, end

_NO_AUDIO = (
    "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001"
)


_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """A SpeechStarted, a final, or a Flux event other than Update: when it left (time.monotonic) and what it said."""

    kind: str
    text: str
    audio_ms: float
    at: float


@dataclass(slots=True)
class Listened:
    """One connection as the stand-in saw it. `controls` and `told` keep the first 1000. `port`: the client's."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    audio_bytes: int = 0
    first_audio_at: float = 0.0
    controls: list[str] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    close_code: int | None = None
    port: int = 0
    at: float = field(default_factory=time.monotonic)
    over_at: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def tell(self, message: dict[str, Any], delay_ms: float) -> None:
        """Keeps what a bench measures from; interims are too many to be kept."""
        if len(self.told) >= _KEPT:
            return
        at = time.monotonic() + delay_ms / 1000
        if message["type"] == "SpeechStarted":
            self.told.append(Told("SpeechStarted", "", message["timestamp"] * 1000, at))
        elif message["type"] == "Results" and message["is_final"]:
            kind = "speech_final" if message["speech_final"] else "is_final"
            text = message["channel"]["alternatives"][0]["transcript"]
            self.told.append(Told(kind, text, (message["start"] + message["duration"]) * 1000, at))
        elif message["type"] == "TurnInfo" and message["event"] != "Update":
            self.told.append(Told(message["event"], message["transcript"], message["audio_window_end"] * 1000, at))


class Stream(Protocol):
    """One version of the protocol on one connection."""

    words: list[Word]

    def audio(self, data: bytes) -> None: ...
    def control(self, message: dict[str, Any]) -> bool:
        """True ends the stream."""
        ...

    def finish(self) -> None: ...


class DeepgramSim(VendorSim):
    """`final_delay_ms`, `interim_delay_ms`: added to each final / any other result. `interim_ms`: audio between two
    interims (0: one per word). `silence_limit_s`: without audio or text the socket closes 1011. `api_key` None takes
    any key. `gate_rms`: voice level, int16 units. `full_confidence_ms`: silence after which Flux is sure of the end.
    `scripts`: what connections send word for word.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        api_key: str | None = None,
        final_delay_ms: float = 0,
        interim_delay_ms: float = 0,
        interim_ms: float = 250,
        silence_limit_s: float = 10,
        gate_rms: float = 200,
        full_confidence_ms: float = 800,
    ) -> None:
        super().__init__(port=port, host=host)
        self.scripts = Scripts()
        self.api_key = api_key
        self.final_delay_ms = final_delay_ms
        self.interim_delay_ms = interim_delay_ms
        self.interim_ms = interim_ms
        self.silence_limit_s = silence_limit_s
        self.gate_rms = gate_rms
        self.full_confidence_ms = full_confidence_ms

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/v1/listen", self._listen), web.get("/v2/listen", self._listen)]

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take(request.path_qs)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.after_ms / 1000)
        if fault and fault.kind == "refuse":
            return _refusal(fault.status, fault.message)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Token", "token", "Bearer") or not key or self.api_key not in (None, key):
            return _refusal(401, "Invalid credentials.")
        try:
            query = (FluxQuery if request.path == "/v2/listen" else NovaQuery).parse(request.query)
        except ValueError as error:
            return _refusal(400, str(error))
        request_id = str(uuid.uuid4())
        ws = web.WebSocketResponse(compress=False, max_msg_size=4 * 2**20)
        ws.headers["dg-request-id"] = request_id
        await ws.prepare(request)
        outbox = Outbox(ws, fault)
        query_of = {name: request.query.getall(name) for name in request.query}
        seen = Listened(request.path, query_of, shown_headers(request), port=port_of(request))

        script = self.scripts.take()

        def post(message: dict[str, Any], delay_ms: float) -> None:
            if script is None or not script.alone:
                seen.tell(message, delay_ms)
                outbox.post(message, delay_ms)

        ear = Ear(query.encoding, query.sample_rate, self.gate_rms)
        stream: Stream
        if isinstance(query, NovaQuery):
            stream = NovaStream(
                query, ear, post, request_id, self.interim_ms, self.interim_delay_ms, self.final_delay_ms
            )
        else:
            stream = FluxStream(
                query, ear, post, request_id, self.interim_delay_ms, self.final_delay_ms, self.full_confidence_ms
            )
        seen.words = stream.words
        self.records.append(seen)
        self.open_connections += 1
        self.note()
        try:
            with self.living(request.path_qs, outbox.strike):
                rate = query.sample_rate * (1 if query.encoding == "mulaw" else 2) / 1000
                wire = _Wire(request, ws, outbox, seen, rate, self.until)
                playing = _playing(script, wire)
                await _Connection(
                    request, ws, outbox, stream, seen, fault, self.silence_limit_s, self.note, playing
                ).serve()
        finally:
            self.open_connections -= 1
            seen.close_code, seen.over_at = ws.close_code, time.monotonic()
            self.note()
        return ws


@dataclass(slots=True)
class _Connection:
    request: web.Request
    ws: web.WebSocketResponse
    outbox: Outbox
    stream: Stream
    seen: Listened
    fault: Fault | None
    silence_limit_s: float
    note: Callable[[], None]
    playing: Coroutine[Any, Any, None]
    played: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch = self.outbox.watch(self.request, self.silence_limit_s, Goodbye(1011, _NO_AUDIO), self._failure())
            owned = [tasks.create_task(each) for each in (self.outbox.run(GARBAGE), watch, self._play())]
            try:
                await self._receive()
            finally:
                for task in owned:
                    task.cancel()

    async def _play(self) -> None:
        await self.playing
        self.played.set()

    def _failure(self) -> Goodbye:
        fault = self.fault or Fault("close")
        error = {"type": "Error", "variant": "InternalError", "description": fault.message}
        return Goodbye(fault.code, fault.message, error)

    async def _receive(self) -> None:
        async for message in self.ws:
            if message.type is WSMsgType.BINARY:
                over = not message.data
                self.outbox.took(len(message.data))
                if not self.seen.audio_bytes:
                    self.seen.first_audio_at = time.monotonic()
                self.seen.audio_bytes += len(message.data)
                self.stream.audio(message.data)
            elif message.type is WSMsgType.TEXT:
                self.outbox.took(0)
                if len(self.seen.controls) < _KEPT:
                    self.seen.controls.append(message.data)
                over = self._control(message.data)
            else:
                continue
            self.note()
            if over:  # a script is heard out
                self.stream.finish()
                await self.played.wait()
                await self.outbox.flushed()
                await self.ws.close(code=1000)
                return

    def _control(self, text: str) -> bool:
        try:
            message = json.loads(text)
            if not isinstance(message, dict) or "type" not in message:
                raise ValueError("a control message is an object with a type")
        except ValueError as error:
            self.outbox.post({"type": "Error", "variant": "SchemaError", "description": str(error), "message": text})
            return False
        return self.stream.control(message)


@dataclass(slots=True)
class _Wire:
    """The connection as a script sees it."""

    request: web.Request
    ws: web.WebSocketResponse
    outbox: Outbox
    seen: Listened
    bytes_per_ms: float
    sim_until: Callable[[Callable[[], bool], float], Awaitable[None]]

    async def send(self, data: str | bytes) -> None:
        await self.outbox.send(data)

    async def until(self, holds: Callable[[], bool]) -> None:
        await self.sim_until(holds, 60)

    async def close(self, code: int, reason: str) -> None:
        await end(self.request, self.ws, Goodbye(code, reason))

    @property
    def audio_ms(self) -> float:
        return self.seen.audio_bytes / self.bytes_per_ms

    def controls(self, kind: str) -> int:
        return sum(f'"{kind}"' in control for control in self.seen.controls)


async def _playing(script: Script | None, wire: _Wire) -> None:
    if script is not None:
        await script.play(wire)


def _refusal(status: int, message: str) -> web.Response:
    names = {400: "Bad Request", 401: "INVALID_AUTH", 429: "TOO_MANY_REQUESTS"}
    request_id = str(uuid.uuid4())
    body = {"err_code": names.get(status, "ERROR"), "err_msg": message, "request_id": request_id}
    return web.json_response(body, status=status, headers={"dg-error": message, "dg-request-id": request_id})
