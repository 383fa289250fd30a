"""The wires between services, as TCP proxies that can be cut: what is sent meanwhile arrives when they are whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Self, cast

from runner.plan import ORGANS, SERVICES, Plan

_HELD = 16 << 20
"""Bytes that wait in one direction of a cut connection at most; then its reader is stopped."""


class _End(asyncio.Protocol):
    """One end of a proxied connection; what it receives goes to `other`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._held: list[bytes] = []
        self._size = 0
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._wire.ends.add(self)
        self._wire.known.add(self)

    def data_received(self, data: bytes) -> None:
        if self._wire.is_cut or self.other is None:
            self._held.append(data)
            self._size += len(data)
            if self._size > _HELD and self.transport is not None:
                self.transport.pause_reading()
        else:
            self.other.send(data)

    def send(self, data: bytes) -> None:
        """To this end; nothing, when it has closed."""
        if self.transport is not None and not self.over and not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.reading(False)

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.reading(True)

    def reading(self, on: bool) -> None:
        if self.transport is not None and not self.over and not self.transport.is_closing():
            if on:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        self._wire.ends.discard(self)
        if not self._wire.is_cut:
            self._wire.known.discard(self)
            self._close_other()

    def heal(self) -> None:
        """What waited goes on its way."""
        if self.other is not None and self._held:
            self.other.send(b"".join(self._held))
            self._held.clear()
            self._size = 0
            self.reading(True)
        if self.over:
            self._close_other()

    def _close_other(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Wire:
    """All connections to one process. `target` is known once the processes are planned."""

    def __init__(self) -> None:
        self.address = ""
        self.target = ""
        self.is_cut = False
        self.ends: set[_End] = set()
        self.known: set[_End] = set()
        """Those too that closed while it was cut: what they sent before is still to arrive."""
        self._dialling: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _accept(self) -> _End:
        near = _End(self)
        dialling = asyncio.ensure_future(self._dial(near))
        self._dialling.add(dialling)
        dialling.add_done_callback(self._dialling.discard)
        return near

    async def _dial(self, near: _End) -> None:
        host, _, port = self.target.rpartition(":")
        try:
            _, far = await asyncio.get_running_loop().create_connection(lambda: _End(self), host, int(port))
        except OSError:
            if near.transport is not None:
                near.transport.abort()
            return
        near.other, far.other = far, near
        if not self.is_cut:
            near.heal()

    def cut(self) -> None:
        self.is_cut = True

    def heal(self) -> None:
        self.is_cut = False
        for end in tuple(self.known):
            end.heal()
        self.known &= self.ends

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._dialling):
            task.cancel()
        for end in tuple(self.ends):
            if end.transport is not None:
                end.transport.abort()


class Wires:
    """`async with Wires(2) as wires: Stack(rewire=wires.through, ...)`; then `wires.of["stt-1"].cut()`."""

    def __init__(self, replicas: int) -> None:
        self._free = [Wire() for _ in range(replicas * len(SERVICES))]
        self.of: dict[str, Wire] = {}

    def through(self, plan: Plan) -> Plan:
        """The same plan, with every service found at the near end of its wire, and every gateway too."""
        env = dict(plan.env)
        for service in ORGANS:
            listen = {p.name: p.env["PARLEY_LISTEN"] for p in plan.processes if p.service == service}
            addresses = [self._before(name, target) for name, target in listen.items()]
            env[f"PARLEY_{service.upper()}_ADDRESS"] = ",".join(addresses)
        doors = zip(plan.names("gateway"), plan.gateway_urls, strict=True)
        urls = tuple(f"http://{self._before(name, url.removeprefix('http://'))}" for name, url in doors)
        return replace(plan, env=env, gateway_urls=urls)

    def _before(self, name: str, target: str) -> str:
        wire = self.of[name] = self._free[len(self.of)]
        wire.target = target
        return wire.address

    async def __aenter__(self) -> Self:
        for wire in self._free:
            await wire.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wire in self._free:
            await wire.close()
