"""The page's far end: control as JSON, sound as binary. docs/protocol.md has every message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from parley.audio import BROWSER
from services.gateway.clock import now_ms
from services.gateway.flood import MESSAGES_PER_S, of_messages
from services.gateway.metrics import BAD_MESSAGES
from services.gateway.websocket import POLICY, Closed, WebSocket

MAX_FRAME_MS = 100
MAX_BAD = 50


class PageWire:
    """Sends to a page."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def send_audio(self, data: bytes) -> None:
        self._socket.post_bytes(data)

    def clear(self) -> None:
        self._socket.post_text('{"type":"clear"}')

    def mark(self, name: str) -> None:
        self._socket.post_text(f'{{"type":"mark","name":"{name}"}}')

    def tell(self, message: dict[str, Any]) -> None:
        self._socket.post_text(orjson.dumps(message).decode())

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)


class PageInbox:
    """Reads from a page; what breaks the protocol is answered with an `error`, counted, and passed over up to 50."""

    def __init__(self, socket: WebSocket, wire: PageWire, *, sound: bool) -> None:
        self._socket = socket
        self._wire = wire
        self._sound = sound
        self._bad = 0
        self._allowance = of_messages()

    async def read(self) -> dict[str, Any] | bytes:
        """A control message with a `type`, or a frame of sound. Raises Closed, also after too many bad messages."""
        while True:
            message = await self._socket.read()
            if isinstance(message, bytes):
                if self._good(message):
                    return message
                self.bad("frame length" if self._sound else "binary", "expected s16le mono 16 kHz, 20 ms (640 bytes)")
                continue
            try:
                control = orjson.loads(message)
            except orjson.JSONDecodeError:
                self.bad("json", "not JSON")
                continue
            if not isinstance(control, dict) or not isinstance(control.get("type"), str):
                self.bad("no type", "expected an object with a `type`")
            elif not self._allowance.takes(1, now_ms()):
                self.bad("flood", f"at most {MESSAGES_PER_S:.0f} messages a second")
            else:
                return control

    @contextmanager
    def sound_to(self, take: Callable[[bytes], None]) -> Iterator[None]:
        """Meanwhile good frames of sound go straight to `take`; the rest comes by `read`."""

        def offered(frame: bytes) -> bool:
            if good := self._good(frame):
                take(frame)
            return good

        self._socket.tap(offered, binary=True)
        try:
            yield
        finally:
            self._socket.tap(None)

    def _good(self, frame: bytes) -> bool:
        return self._sound and 0 < len(frame) <= MAX_FRAME_MS * BROWSER.bytes_per_ms and not len(frame) % 2

    def bad(self, kind: str, remedy: str) -> None:
        BAD_MESSAGES.labels(kind).inc()
        self._bad += 1
        if self._bad >= MAX_BAD:
            self._socket.close(POLICY, "too many bad messages")
            raise Closed(POLICY)
        self._wire.tell({"type": "error", "message": remedy})
