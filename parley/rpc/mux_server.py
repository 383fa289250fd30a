"""The server's end of a trunk: each call runs the servicer's own method, as if it had come by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
import structlog

from parley.aio import TaskSet, Turnstile
from parley.errors import NotFound
from parley.rpc.frames import Credit, Frame, Gatherer, Inbox
from parley.v1 import trunk_pb2, trunk_pb2_grpc

log = structlog.get_logger()

MAX_CALLS = 10_000
GATHER_MS = 0.0

Failure = Callable[[BaseException], tuple[grpc.StatusCode, str]]


class Registry:
    """Looks like a server to a generated `add_...Servicer_to_server`, and remembers the methods by path."""

    def __init__(self) -> None:
        self.methods: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Newer generated code registers by name as well; that is the one used."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        for name, handler in handlers.items():
            self.methods[f"/{service}/{name}"] = handler


class _Call:
    """One call: what has come for it, and what may be sent."""

    def __init__(self, number: int, out: Gatherer) -> None:
        self.number = number
        self.inbox = Inbox(number, out)
        self.credit = Credit()
        self.task: asyncio.Task[None] | None = None


class MuxServer(trunk_pb2_grpc.TrunkServicer):
    """`failure`: what an exception is on the wire. Of calls that come together one begins in each pass of the loop."""

    def __init__(self, registry: Registry, failure: Failure) -> None:
        self._registry = registry
        self._failure = failure
        self._turnstile = Turnstile()

    async def Carry(self, requests: Any, context: Any) -> AsyncIterator[trunk_pb2.TrunkFrames]:
        """All calls of one client process. When the stream ends, so do they."""
        out = Gatherer(GATHER_MS)
        calls: dict[int, _Call] = {}
        tasks = TaskSet(lambda error: log.error("a call on a trunk broke", exc_info=error))
        reading = tasks.spawn(self._read(requests, calls, out, tasks))
        reading.add_done_callback(lambda _: out.end())
        try:
            async for message in out.messages():
                yield message
        finally:
            await tasks.close()

    async def _read(self, requests: Any, calls: dict[int, _Call], out: Gatherer, tasks: TaskSet) -> None:
        async for frames in requests:
            for frame in frames.frames:
                self._take(frame, calls, out, tasks)

    def _take(self, frame: Frame, calls: dict[int, _Call], out: Gatherer, tasks: TaskSet) -> None:
        call = calls.get(frame.call)
        what = frame.WhichOneof("what")
        if what == "open":
            if call is None:
                self._open(frame, calls, out, tasks)
        elif call is None:
            return
        elif what == "message":
            call.inbox.put(frame.message)
        elif what == "credit":
            call.credit.give(frame.credit)
        elif what == "done":
            call.inbox.end()
        elif what == "cancel" and call.task is not None:
            call.task.cancel()

    def _open(self, frame: Frame, calls: dict[int, _Call], out: Gatherer, tasks: TaskSet) -> None:
        if len(calls) >= MAX_CALLS:
            full = trunk_pb2.TrunkFailure(
                code=grpc.StatusCode.RESOURCE_EXHAUSTED.name, message=f"{MAX_CALLS} calls of one client are open here"
            )
            out.put(Frame(call=frame.call, failed=full))
            return
        call = calls[frame.call] = _Call(frame.call, out)
        call.task = tasks.spawn(self._serve(call, frame.open, out))
        # Not at the end of `_serve`, which never begins when the call is cancelled at once.
        call.task.add_done_callback(lambda _: calls.pop(call.number, None))

    async def _serve(self, call: _Call, path: str, out: Gatherer) -> None:
        try:
            handler = self._registry.methods.get(path)
            if handler is None or not handler.response_streaming:
                raise NotFound(f"no streaming method {path} here")
            await self._turnstile.passed()
            async with aclosing(await self._responses(call, handler)) as responses:
                async for response in responses:
                    data = handler.response_serializer(response)
                    await call.credit.take(len(data))
                    out.put(Frame(call=call.number, message=data))
            out.put(Frame(call=call.number, done=True))
        except Exception as e:
            code, message = self._failure(e)
            failed = trunk_pb2.TrunkFailure(code=code.name, message=message)
            out.put(Frame(call=call.number, failed=failed))

    async def _responses(self, call: _Call, handler: Any) -> Any:
        if handler.request_streaming:
            return handler.stream_stream(_requests(call, handler.request_deserializer), None)
        first = await call.inbox.get()
        return handler.unary_stream(handler.request_deserializer(first or b""), None)


async def _requests(call: _Call, deserialize: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    while (data := await call.inbox.get()) is not None:
        yield deserialize(data)
