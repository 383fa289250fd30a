"""Services that share a process: called like any other, with the same messages and errors, and without a network.

    server = LocalServer("tools")
    close = await services.tools.wiring.wire(server, settings)
    async with LocalPeers(server) as peers:
        stream = await peers.open(tools_pb2_grpc.ToolsStub, "Execute", request=request)

Nobody beats and nobody is lost. Nothing here needs a socket or a clock: time may be made up (`testbed.eval`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, Self, cast

import grpc

from parley.rpc.mux_client import MuxClient
from parley.rpc.mux_server import MuxServer, Registry
from parley.rpc.peers import Peer, Peers
from parley.rpc.server import DEADLINE, Admission, Server, _failure
from parley.v1 import trunk_pb2

CAPACITY = 1000
_QUEUED = 256  # messages of a trunk on their way; who writes more waits


class LocalServer(Server):
    """Takes servicers as `Server` does, and listens nowhere."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.admission = Admission(CAPACITY)
        self.port = 0
        self.registry = Registry()
        self._leave: list[Callable[[], None]] = []

    def add(self, service: Any, adder: Callable[[Any, Any], None], servicer: Any) -> None:
        adder(servicer, self.registry)

    async def start(self) -> None:
        """There is nothing to bind."""

    async def drain(self, timeout_s: float) -> bool:
        self.admission.draining = True
        for leave in self._leave:
            leave()
        return await self.admission.drained(timeout_s)


class LocalPeers(Peers):
    """The one replica of a service in this process."""

    def __init__(self, server: LocalServer) -> None:
        self.service = server.name
        self._peers = [_LocalPeer(server)]
        self._watchers = {}
        self._looking = None

    async def __aenter__(self) -> Self:
        return self


class _LocalPeer(Peer):
    def __init__(self, server: LocalServer) -> None:
        self.service = server.name
        self.address = f"local:{server.name}"
        self.certificates = self.certificate = None
        self.channel = cast(grpc.aio.Channel, _Channel(server.registry))
        self.load, self.opened = 0.0, 0
        self.alive = self.known = True
        self.draining = self.left = False
        self.asked = 0
        self.instance = ""
        self.streams = set()
        self._gather_ms = 0.0
        self._trunk: MuxClient | None = None


class _Channel:
    """What `Peers` and generated stubs ask of a `grpc.aio` channel: unary methods, and the trunk."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def unary_unary(self, path: str, *_: Any, **__: Any) -> Callable[..., Awaitable[Any]]:
        async def call(request: Any, *, timeout: float, wait_for_ready: bool = False) -> Any:
            handler = self._registry.methods[path]
            # As bytes and back: nobody holds a message of somebody else.
            asked = handler.request_deserializer(request.SerializeToString())
            until = asyncio.get_running_loop().time() + timeout
            try:
                async with asyncio.timeout(timeout):
                    return await asyncio.ensure_future(_served(handler.unary_unary, asked, until))
            except TimeoutError as e:
                raise _error(grpc.StatusCode.DEADLINE_EXCEEDED, "no answer in time") from e
            except Exception as e:
                raise _error(*_failure(e)) from e

        return call

    def stream_stream(self, path: str, *_: Any, **__: Any) -> Callable[[], _Trunk]:
        return lambda: _Trunk(MuxServer(self._registry, _failure))

    unary_stream = stream_unary = stream_stream

    async def close(self, grace: float | None = None) -> None:
        """There is nothing to close."""


class _Trunk:
    """The stream of a `MuxClient`, with the `MuxServer` at its other end."""

    def __init__(self, server: MuxServer) -> None:
        self._sent: asyncio.Queue[trunk_pb2.TrunkFrames] = asyncio.Queue(_QUEUED)
        self._answers: AsyncGenerator[trunk_pb2.TrunkFrames, None] = server.Carry(self._requests(), None)  # type: ignore[assignment]

    async def _requests(self) -> AsyncIterator[trunk_pb2.TrunkFrames]:
        while True:
            yield await self._sent.get()

    async def write(self, frames: trunk_pb2.TrunkFrames) -> None:
        await self._sent.put(frames)

    async def read(self) -> Any:
        """Cancelling it ends the server's end too, and all calls on it."""
        return await anext(self._answers, grpc.aio.EOF)

    def cancel(self) -> None:
        """Whoever reads is cancelled with the client's own task."""


async def _served(method: Any, request: Any, until: float) -> Any:
    """In a task of its own, which has the deadline."""
    DEADLINE.set(until)
    return await method(request, None)


def _error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)
