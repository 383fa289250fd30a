"""The sending side of a stand-in's WebSocket: order, delays, faults, and how it ends."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from testbed.vendors.faults import Fault


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A last message (or none) and a close frame; code 0 cuts the connection without one."""

    code: int
    reason: str
    message: dict[str, Any] | None = None


class Outbox:
    """Sends a WebSocket's messages in order, each no earlier than its delay; stalls and garbles as its fault says."""

    def __init__(self, ws: web.WebSocketResponse, fault: Fault | None) -> None:
        self._ws = ws
        self._fault = fault
        self._born = time.monotonic()
        self._garbled = False
        self._queue: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue(maxsize=10_000)
        self._struck = asyncio.Event()
        self._held_until = 0.0
        self.received = 0
        self.sent = 0
        self.last_input = time.monotonic()

    @property
    def age_ms(self) -> float:
        return (time.monotonic() - self._born) * 1000

    def took(self, size: int) -> None:
        """Counts a message received."""
        self.received += size
        self.last_input = time.monotonic()

    def strike(self, fault: Fault) -> None:
        """From now on the connection has this fault; a slow one keeps back for a while what it sends, once."""
        if fault.kind == "slow":
            self._held_until = time.monotonic() + fault.after_ms / 1000
            return
        self._fault, self._garbled = fault, False
        self._struck.set()

    @property
    def _planned(self) -> bool:
        return self._fault is not None and self._fault.kind in ("close", "error")

    def is_due(self, *kinds: str) -> bool:
        """Whether this connection's fault is one of these kinds and begins now."""
        fault = self._fault
        return fault is not None and fault.kind in kinds and fault.begins(self.age_ms, self.received, self.sent)

    def post(self, message: dict[str, Any] | str | bytes, delay_ms: float = 0) -> None:
        """Queues a message, or what is sent in place of one as it stands.

        A client that stops reading for 10,000 messages is a broken test: QueueFull is raised.
        """
        raw = json.dumps(message) if isinstance(message, dict) else message
        self._queue.put_nowait((time.monotonic() + delay_ms / 1000, raw))

    async def send(self, data: str | bytes) -> None:
        """Word for word, behind what was queued before."""
        await self._queue.join()
        with suppress(ConnectionError):
            await (self._ws.send_str(data) if isinstance(data, str) else self._ws.send_bytes(data))
            self.sent += 1

    async def run(self, garbage: str) -> None:
        """Sends until cancelled."""
        while True:
            due, text = await self._queue.get()
            await _until(due)
            await _until(self._held_until)
            if not self.is_due("stall") and not self._ws.closed:
                # A client that has gone is no fault of the stand-in: the receiving side sees it too.
                with suppress(ConnectionError):
                    if self.is_due("garbage") and not self._garbled:
                        self._garbled = True
                        await self._ws.send_str(garbage)
                    await (self._ws.send_bytes(text) if isinstance(text, bytes) else self._ws.send_str(text))
                    self.sent += 1
            self._queue.task_done()

    async def flushed(self) -> None:
        """Waits until everything queued has been sent."""
        await self._queue.join()

    async def watch(self, request: web.Request, silence_limit_s: float, silent: Goodbye, failed: Goodbye) -> None:
        """Ends the connection when nothing came in for too long, or when its fault says so."""
        while not self._ws.closed:
            quiet = time.monotonic() - self.last_input
            ending = silent if quiet >= silence_limit_s else None
            if self.is_due("close") and self._fault is not None:
                ending = Goodbye(self._fault.code, self._fault.message)
            elif self.is_due("error"):
                ending = failed
            if ending is not None:
                await end(request, self._ws, ending)
                return
            self._struck.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01 if self._planned else max(0.01, silence_limit_s - quiet)):
                    await self._struck.wait()


async def _until(at: float) -> None:
    if (wait := at - time.monotonic()) > 0:
        await asyncio.sleep(wait)


async def end(request: web.Request, ws: web.WebSocketResponse, goodbye: Goodbye) -> None:
    """Says goodbye and closes."""
    if goodbye.message is not None and not ws.closed:
        await ws.send_str(json.dumps(goodbye.message))
    if goodbye.code:
        await ws.close(code=goodbye.code, message=goodbye.reason.encode()[:120])
    elif request.transport is not None:
        request.transport.abort()
