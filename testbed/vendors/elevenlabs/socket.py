"""The voice stand-in's WebSockets: `/stream-input` (one text) and `/multi-stream-input` (several contexts)."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from testbed.vendors.elevenlabs.context import Context, Send
from testbed.vendors.elevenlabs.speech import TextBuffer, schedule_of
from testbed.vendors.faults import GARBAGE, Fault
from testbed.vendors.sockets import Goodbye, Outbox, end

_MAX_CONTEXTS = 5


@dataclass(slots=True)
class Received:
    """One stream as the stand-in saw it: HTTP request, socket, or context of a socket. `port`: the client's."""

    path: str
    voice: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)
    messages: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""
    spoken: list[str] = field(default_factory=list)
    """What became audio, generation by generation."""
    first_text_at: float = 0.0
    first_audio_at: float = 0.0
    audio_chunks: int = 0
    finished: bool = False
    close_code: int | None = None
    port: int = 0
    over_at: float = 0.0

    def take(self, text: str) -> None:
        if text.strip() and not self.first_text_at:
            self.first_text_at = time.monotonic()
        self.text += text


Twist = Callable[[Received, dict[str, Any]], Iterable[dict[str, Any] | str | bytes]]
"""What is sent in place of a message: nothing, several, or something that is none."""


class Refused(Exception):
    """A message the vendor answers with an error, then close 1008."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.goodbye = Goodbye(1008, message, {"message": message, "error": error, "code": 1008})


class VoiceSocket:
    """One connection. `check_key(key)` tells whether a key is right; `make(send, buffer)` builds a context."""

    def __init__(
        self,
        request: web.Request,
        seen: Received,
        fault: Fault | None,
        *,
        check_key: Callable[[str], bool],
        make: Callable[[Send, TextBuffer], Context],
        note: Callable[[], None],
        snake_case: bool = False,
        twist: Twist | None = None,
    ) -> None:
        self._snake_case = snake_case
        self._twist = twist or (lambda seen, message: [message])
        self._request, self._seen, self._fault = request, seen, fault
        self._check_key, self._make, self._note = check_key, make, note
        self._multi = request.path.endswith("multi-stream-input")
        self._auto_mode = request.query.get("auto_mode") == "true"
        self._idle_s = float(request.query.get("inactivity_timeout", "20"))
        self._contexts: dict[str, Context] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._greeted = False
        self.ws = web.WebSocketResponse(compress=False, max_msg_size=2**20)
        self._outbox = Outbox(self.ws, fault)

    def strike(self, fault: Fault) -> None:
        """From now on the connection has this fault."""
        self._outbox.strike(fault)

    async def serve(self) -> None:
        await self.ws.prepare(self._request)
        fault = self._fault or Fault("close")
        error = {"message": fault.message, "error": "internal_error", "code": fault.code}
        failed = Goodbye(fault.code, fault.message, error)
        watch = self._outbox.watch(self._request, self._idle_s, self._silent(), failed)
        async with asyncio.TaskGroup() as tasks:
            owned = [tasks.create_task(self._outbox.run(GARBAGE)), tasks.create_task(watch)]
            try:
                await self._receive(tasks)
            except Refused as refused:
                await end(self._request, self.ws, refused.goodbye)
            finally:
                for task in [*owned, *self._running]:
                    task.cancel()
                self._seen.close_code = self.ws.close_code

    def _silent(self) -> Goodbye:
        message = (
            f"Have not received a new text input within the timeout of {self._idle_s} seconds. Streaming input "
            'terminated. Please make sure to send " " as text input to keep the connection open.'
        )
        return Goodbye(1008, message, {"message": message, "error": "input_timeout_exceeded", "code": 1008})

    async def _receive(self, tasks: asyncio.TaskGroup) -> None:
        async for frame in self.ws:
            if frame.type is not WSMsgType.TEXT:
                raise Refused("invalid_message", "messages must be JSON text")
            self._outbox.took(len(frame.data))
            message = _parsed(frame.data)
            self._seen.messages.append(message)
            over = self._take(message, tasks)
            self._note()
            if over:
                await asyncio.gather(*self._running)
                await self._outbox.flushed()
                self._seen.finished = True
                await self.ws.close(code=1000)
                return

    def _take(self, message: dict[str, Any], tasks: asyncio.TaskGroup) -> bool:
        """One message; True ends the socket once all is spoken."""
        if not self._greeted:
            self._greeted = True
            key = self._request.headers.get("xi-api-key") or message.get("xi_api_key") or message.get("xi-api-key")
            if not isinstance(key, str) or not self._check_key(key):
                raise Refused("invalid_api_key", "Invalid API key.")
        if message.get("close_socket") is True:
            self._end_all()
            return True
        name = message.get("context_id", "default") if self._multi else ""
        context = self._contexts.get(name)
        if message.get("close_context") is True:
            if context is not None:
                del self._contexts[name]
                context.end(flush=False)
            return False
        text = message.get("text", "" if message.get("flush") else None)
        if not isinstance(text, str):
            raise Refused("invalid_message", "text: must be a string")
        if context is None:
            self._open(name, text, message, tasks)
            return False
        self._seen.take(text)
        if text == "" and not message.get("flush"):
            if self._multi:
                context.take("")
                return False
            self._end_all()
            return True
        trigger = message.get("try_trigger_generation") is True
        context.take(text, flush=message.get("flush") is True, trigger=trigger)
        return False

    def _open(self, name: str, text: str, message: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        if text != " " and not self._multi:
            raise Refused("invalid_message", 'the first message must have a single space as text: {"text": " "}')
        # A closed context counts until its isFinal.
        if len(self._running) >= _MAX_CONTEXTS:
            raise Refused("max_active_conversations", f"Maximum simultaneous contexts per socket is {_MAX_CONTEXTS}.")
        try:
            buffer = TextBuffer(self._auto_mode, schedule_of(message.get("generation_config")))
        except ValueError as error:
            raise Refused("invalid_message", str(error)) from error
        context = self._make(lambda made: self._post(name, made), buffer)
        context.spoken = self._seen.spoken
        self._contexts[name] = context
        running = tasks.create_task(self._run(name, context))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        if text != " ":
            self._seen.take(text)
            context.take(text, flush=message.get("flush") is True)

    async def _run(self, name: str, context: Context) -> None:
        if not self._multi:
            return await context.run()
        # A context without input for the socket's inactivity_timeout ends, dropping what was not yet spoken.
        async with asyncio.TaskGroup() as tasks:
            idle = tasks.create_task(self._end_when_idle(context))
            await context.run()
            idle.cancel()
        if self._contexts.get(name) is context:
            del self._contexts[name]
        return None

    async def _end_when_idle(self, context: Context) -> None:
        while True:
            left = context.last_input + self._idle_s - time.monotonic()
            if left <= 0:
                context.end(flush=False)
                return
            await asyncio.sleep(left)

    def _end_all(self) -> None:
        for context in self._contexts.values():
            context.end(flush=True)

    def _post(self, name: str, message: dict[str, Any]) -> None:
        if self._multi:
            message["context_id" if self._snake_case else "contextId"] = name
        if self._multi and self._snake_case:
            message["is_final"] = message.pop("isFinal")
        if message["audio"]:
            self._seen.first_audio_at = self._seen.first_audio_at or time.monotonic()
            self._seen.audio_chunks += 1
        for sent in self._twist(self._seen, message):
            self._outbox.post(sent)
        self._note()


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise Refused("invalid_message", f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise Refused("invalid_message", "a message is an object")
    return message
