"""What all stand-ins share: a loopback server, its address, its faults, and its control door.

Control door, for tests that run a stand-in in another process: `POST /_sim/faults` with a fault as JSON, `DELETE
/_sim/faults`, `GET /_sim/records` (what reached the stand-in).
"""

import asyncio
import dataclasses
import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from testbed.patience import PATIENCE_S
from testbed.vendors.faults import Fault, Faults

_KEPT = 500
_SECRET = ("authorization", "xi-api-key")


def shown_headers(request: web.Request) -> dict[str, str]:
    """The request's headers for a record, without the key: somebody may point a real one at a stand-in."""
    return {name: value for name, value in request.headers.items() if name.lower() not in _SECRET}


def port_of(request: web.Request) -> int:
    """The client's port, by which its process can be found."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return int(peer[1]) if peer else 0


class VendorSim:
    """A stand-in on loopback: `async with DeepgramSim(port=0) as sim: sim.url`. Port 0 takes a free one."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.faults = Faults()
        self.records: deque[Any] = deque(maxlen=_KEPT)
        """What reached the stand-in: one dataclass per connection or request, oldest dropped after 500."""
        self.open_connections = 0
        self.live: dict[str, Callable[[Fault], None]] = {}
        """How each open connection or answer is struck, by an id that begins with whose it is."""
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    def note(self) -> None:
        """Something reached the stand-in: wakes whoever waits in `until`."""
        self._news.set()

    async def until(self, holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Waits until `holds()`, which is asked again whenever something reached the stand-in. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def strike(self, fault: Fault) -> None:
        """Connections that are open now and hold `only` in their id have this fault from now on."""
        for name, struck in tuple(self.live.items()):
            if fault.only in name:
                struck(fault)

    @contextmanager
    def living(self, whose: str, struck: Callable[[Fault], None]) -> Iterator[None]:
        """A connection is open, and may be struck."""
        name = f"{whose} {uuid.uuid4().hex}"
        self.live[name] = struck
        try:
            yield
        finally:
            del self.live[name]

    @property
    def url(self) -> str:
        """http base URL, without a path."""
        return f"http://{self._host}:{self._port}"

    @property
    def ws_url(self) -> str:
        """ws base URL, without a path."""
        return f"ws://{self._host}:{self._port}"

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's endpoints."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=20 * 2**20)
        app.add_routes(self.routes())
        app.add_routes(
            [
                web.post("/_sim/faults", self._add_fault),
                web.delete("/_sim/faults", self._clear_faults),
                web.get("/_sim/records", self._show_records),
            ]
        )
        # A handler is cancelled when its client goes away: that is how a stand-in knows of a cancelled answer.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(Fault.parse(await request.json()))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"added": True})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({"cleared": True})

    async def _show_records(self, _request: web.Request) -> web.Response:
        shown = [dataclasses.asdict(record) for record in self.records]
        return web.json_response(shown, dumps=lambda value: json.dumps(value, default=str))
