"""What all stand-ins share: a loopback server, its address, its faults, and its control door.

Control door, for tests that run a stand-in in another process: `POST /_sim/faults` with a fault as JSON, `DELETE
/_sim/faults`, `GET /_sim/records` (what reached the stand-in).
"""

import asyncio
import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import WSCloseCode, web

from tests.sims.faults import Fault, Faults

_KEPT = 500


class VendorSim:
    """A stand-in on loopback: `async with DeepgramSim(port=0) as sim: sim.url`. Port 0 takes a free one."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.faults = Faults()
        self.records: deque[Any] = deque(maxlen=_KEPT)
        """What reached the stand-in: one dataclass per connection or request, oldest dropped after 500."""
        self.open_connections = 0
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    def note(self) -> None:
        """Something reached the stand-in: wakes whoever waits in `until`."""
        self._news.set()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 5) -> None:
        """Waits until `holds()`, which is asked again whenever something reached the stand-in. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._news.clear()
                await self._news.wait()

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


class Outbox:
    """Sends a WebSocket's messages in order, each no earlier than its delay; stalls and garbles as its fault says."""

    def __init__(self, ws: web.WebSocketResponse, fault: Fault | None) -> None:
        self._ws = ws
        self._fault = fault
        self._born = time.monotonic()
        self._garbled = False
        self._queue: asyncio.Queue[tuple[float, str]] = asyncio.Queue(maxsize=10_000)
        self.received = 0
        self.sent = 0

    @property
    def age_ms(self) -> float:
        return (time.monotonic() - self._born) * 1000

    def is_due(self, *kinds: str) -> bool:
        """Whether this connection's fault is one of these kinds and begins now."""
        fault = self._fault
        return fault is not None and fault.kind in kinds and fault.begins(self.age_ms, self.received, self.sent)

    def post(self, message: dict[str, Any], delay_ms: float = 0) -> None:
        """Queues a message. A client that stops reading for 10,000 messages is a broken test: QueueFull is raised."""
        self._queue.put_nowait((time.monotonic() + delay_ms / 1000, json.dumps(message)))

    async def run(self, garbage: str) -> None:
        """Sends until cancelled."""
        while True:
            due, text = await self._queue.get()
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if not self.is_due("stall") and not self._ws.closed:
                # A client that has gone is no fault of the stand-in: the receiving side sees it too.
                with suppress(ConnectionError):
                    if self.is_due("garbage") and not self._garbled:
                        self._garbled = True
                        await self._ws.send_str(garbage)
                    await self._ws.send_str(text)
                    self.sent += 1
            self._queue.task_done()

    async def flushed(self) -> None:
        """Waits until everything queued has been sent."""
        await self._queue.join()


async def end(request: web.Request, ws: web.WebSocketResponse, code: int, reason: str) -> None:
    """Closes a WebSocket with a code and a reason; code 0 cuts the connection without a close frame."""
    if code == 0:
        if request.transport is not None:
            request.transport.abort()
        return
    await ws.close(code=code or WSCloseCode.OK, message=reason.encode()[:120])
