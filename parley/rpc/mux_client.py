"""The client's end of a trunk: calls that look like gRPC's own, and share one stream to their peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc

from parley.rpc.frames import Credit, Frame, Gatherer, Inbox
from parley.v1 import trunk_pb2, trunk_pb2_grpc


class Method:
    """A streaming method of a generated stub, as `Stub(MuxClient)` finds it: its path and how to read and write it."""

    def __init__(self, path: str, serialize: Callable[[Any], bytes], deserialize: Callable[[bytes], Any]) -> None:
        self.path, self.serialize, self.deserialize = path, serialize, deserialize


class TrunkCall:
    """One call on a trunk, with the face of a `grpc.aio` stream call (as far as `CallStream` looks at it)."""

    def __init__(self, trunk: MuxClient, number: int, method: Method) -> None:
        self._trunk = trunk
        self._number = number
        self._method = method
        self._credit = Credit()
        self.inbox = Inbox(number, trunk.out)
        self._done_writing = False
        self._cancelled = False
        self._status: tuple[grpc.StatusCode, str] | None = None

    async def write(self, message: Any) -> None:
        """Raises InvalidStateError when the call is over; `code` then says why."""
        data = self._method.serialize(message)
        await self._credit.take(len(data))
        if self._status is not None or self._done_writing:
            raise asyncio.InvalidStateError("the call is over")
        self._trunk.out.put(Frame(call=self._number, message=data))

    async def done_writing(self) -> None:
        if self._status is None and not self._done_writing:
            self._done_writing = True
            self._trunk.out.put(Frame(call=self._number, done=True))

    async def read(self) -> Any:
        """The next message; grpc.aio.EOF at the end. Raises AioRpcError, and CancelledError after `cancel`, as gRPC."""
        data = await self.inbox.get()
        if data is not None:
            return self._method.deserialize(data)
        if self._cancelled:
            raise asyncio.CancelledError
        code, details = self._status or (grpc.StatusCode.UNAVAILABLE, "the trunk broke")
        if code is grpc.StatusCode.OK:
            return grpc.aio.EOF
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)

    def cancel(self) -> bool:
        if self._status is not None:
            return False
        self._cancelled = True
        self._trunk.out.put(Frame(call=self._number, cancel=True))
        self.end(grpc.StatusCode.CANCELLED, "cancelled here")
        return True

    def cancelled(self) -> bool:
        return self._cancelled

    def done(self) -> bool:
        return self._status is not None

    async def code(self) -> grpc.StatusCode:
        return (self._status or (grpc.StatusCode.UNAVAILABLE, ""))[0]

    async def details(self) -> str:
        return (self._status or (grpc.StatusCode.UNAVAILABLE, "the trunk broke"))[1]

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """The call is over, from whichever side; the first to say so is believed."""
        if self._status is None:
            self._status = code, details
            self._trunk.forget(self._number)
            self._credit.release()
            self.inbox.end()

    def take(self, frame: Frame) -> None:
        """A frame from the server."""
        match frame.WhichOneof("what"):
            case "message":
                self.inbox.put(frame.message)
            case "credit":
                self._credit.give(frame.credit)
            case "done":
                self.end(grpc.StatusCode.OK, "")
            case "failed":
                self.end(grpc.StatusCode[frame.failed.code], frame.failed.message)


class MuxClient:
    """One stream to one peer. A generated stub made with it (`Stub(trunk)`) has `Method`s for its streams."""

    def __init__(self, channel: grpc.aio.Channel, gather_ms: float) -> None:
        self.out = Gatherer(gather_ms)
        self._calls: dict[int, TrunkCall] = {}
        self._last = 0
        self.broken = False
        self._task = asyncio.ensure_future(self._run(channel))

    def call(self, method: Method) -> TrunkCall:
        self._last += 1
        call = self._calls[self._last] = TrunkCall(self, self._last, method)
        self.out.put(Frame(call=self._last, open=method.path))
        return call

    def forget(self, number: int) -> None:
        self._calls.pop(number, None)

    @property
    def idle(self) -> bool:
        """Whether no call is on it."""
        return not self._calls

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, channel: grpc.aio.Channel) -> None:
        code, details = grpc.StatusCode.UNAVAILABLE, "the trunk ended"
        rpc = trunk_pb2_grpc.TrunkStub(channel).Carry()
        writing = asyncio.ensure_future(self._write(rpc))
        try:
            while (frames := await rpc.read()) is not grpc.aio.EOF:
                for frame in cast(trunk_pb2.TrunkFrames, frames).frames:
                    call = self._calls.get(frame.call)
                    if call is not None:
                        call.take(frame)
        except grpc.aio.AioRpcError as e:
            details = e.details() or code.name
            if e.code() is grpc.StatusCode.PERMISSION_DENIED:  # no other replica will take us either
                code = e.code()
        finally:
            self.broken = True
            rpc.cancel()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            for call in list(self._calls.values()):
                call.end(code, details)

    async def _write(self, rpc: Any) -> None:
        async for message in self.out.messages():
            await rpc.write(message)

    # What a generated stub asks of a channel

    def stream_stream(
        self, path: str, request_serializer: Any = None, response_deserializer: Any = None, **_: Any
    ) -> Method:
        return Method(path, request_serializer, response_deserializer)

    unary_stream = stream_unary = unary_unary = stream_stream
