"""One per-call stream as a service sees it, whatever carries it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol, Self

import grpc

from parley.errors import ParleyError, Unavailable
from parley.rpc.status import by_code, from_rpc


class HasStreams(Protocol):
    """A peer: its address, and the streams that end with it."""

    address: str
    streams: set[CallStream]


class CallStream:
    """One per-call stream to one peer. Errors are ParleyErrors; Unavailable as soon as the peer is lost.

    `write` waits when the peer does not read (gRPC flow control). `read` gives None at the end, also after our own
    `cancel`, which may be called at any time and twice. Iterating reads to the end.
    """

    def __init__(self, peer: HasStreams, rpc: Any) -> None:
        self.peer = peer
        self._rpc = rpc
        self._lost = False
        self._cancelled = False
        peer.streams.add(self)

    async def write(self, message: Any) -> None:
        try:
            await self._rpc.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as e:
            raise await self._ended() from e
        except asyncio.CancelledError:
            self._raise_unless_lost()

    async def done_writing(self) -> None:
        try:
            await self._rpc.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # the stream has ended; reading says why
        except asyncio.CancelledError:
            self._raise_unless_lost()

    async def read(self) -> Any:
        try:
            message = await self._rpc.read()
        except grpc.aio.AioRpcError as e:
            raise self._failed(e) from e
        except asyncio.CancelledError:
            self._raise_unless_lost()
            return None
        if message is grpc.aio.EOF:
            self._forget()
            return None
        return message

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not None:
            yield message

    def cancel(self) -> None:
        """Tell the peer to stop, and forget the stream."""
        self._cancelled = True
        self._forget()
        self._rpc.cancel()

    def lose(self) -> None:
        """The peer is gone: wake whoever waits, with Unavailable."""
        self._lost = True
        self.cancel()

    def _forget(self) -> None:
        self.peer.streams.discard(self)

    def _raise_unless_lost(self) -> None:
        """grpc raises CancelledError for a cancelled *stream* too: tell it from a cancelled task."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        if self._lost or not self._cancelled:
            raise Unavailable(f"{self.peer.address} does not answer")

    def _failed(self, error: grpc.aio.AioRpcError) -> ParleyError:
        self._forget()
        return Unavailable(f"{self.peer.address} does not answer") if self._lost else from_rpc(error)

    async def _ended(self) -> ParleyError:
        """Why a stream that takes no more writes ended. The failed write itself only says that it failed."""
        self._forget()
        if self._lost or self._rpc.cancelled():
            return Unavailable(f"{self.peer.address} does not answer")
        name, details = (await self._rpc.code()).name, await self._rpc.details()
        return by_code(name, details or "the stream has ended")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()
