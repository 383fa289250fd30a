"""The page's far end: control as JSON, sound as binary. docs/protocol.md has every message."""

from __future__ import annotations

from typing import Any

import orjson

from parley.audio import BROWSER
from parley.security.origin import from_here
from services.gateway.doors.inbox import Dialect, Flaw
from services.gateway.doors.websocket import WebSocket

MAX_FRAME_MS = 100


class PageWire:
    """Sends to a page."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._here = from_here(socket.peer, socket.headers)

    def send_audio(self, data: bytes) -> None:
        self._socket.post_bytes(data)

    def clear(self) -> None:
        self._socket.post_text('{"type":"clear"}')

    def mark(self, name: str) -> None:
        self._socket.post_text(f'{{"type":"mark","name":"{name}"}}')

    def tell(self, message: dict[str, Any]) -> None:
        self._socket.post_text(orjson.dumps(message).decode())

    def tell_here(self, message: dict[str, Any]) -> None:
        if self._here:
            self.tell(message)

    def complain(self, remedy: str) -> None:
        """What came was bad."""
        self.tell({"type": "error", "message": remedy})

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)


def dialect(*, sound: bool) -> Dialect:
    """Of a page. Without `sound` it types."""

    def frame(message: bytes) -> bytes | Flaw:
        good = sound and 0 < len(message) <= MAX_FRAME_MS * BROWSER.bytes_per_ms and not len(message) % 2
        kind = "frame length" if sound else "binary"
        return message if good else Flaw(kind, "expected s16le mono 16 kHz, 20 ms (640 bytes)")

    return Dialect("type", frame, binary=True)
