"""A WebSocket as the gateway uses it: one reader, and sends that never wait. Straight on ASGI, for speed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from parley.limits import refusal
from parley.text.words import clipped_bytes
from services.gateway.doors.frames import BINARY, TEXT, TappedProtocol
from services.gateway.metrics import SLOW_READERS

log = structlog.get_logger()

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_REASON = 123
"""Bytes of UTF-8 (RFC 6455, 5.5: a control frame has 125, two of them are the code)."""
TRY_AGAIN, GOING_AWAY, POLICY, TOO_BIG, NOT_ACCEPTABLE = 1013, 1012, 1008, 1009, 1003


class Closed(Exception):
    """The far end, or this one, has closed. `code` as in RFC 6455."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """One connection. `post` writes at once; a far end that leaves the transport's buffer full is closed."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.path: str = scope["path"]
        self.scheme: str = scope["scheme"]
        self.peer: str = (scope.get("client") or ("", 0))[0]
        self._receive = receive
        self._send = send
        self._closed = False

    async def accept(self) -> None:
        """Take the connection. Raises Closed when the client has gone."""
        message = await self._receive()
        if message["type"] != "websocket.connect":
            raise Closed(1006)
        await self._send({"type": "websocket.accept"})

    async def refuse(self, wait_s: float = 0.0) -> None:
        """Answer the upgrade with 403; with 429 when it may be tried again after `wait_s`."""
        await self._receive()
        if wait_s:
            await refusal.refuse(self._send, wait_s, {"error": "too many sockets of this address"}, upgrade=True)
        else:
            await self._send({"type": "websocket.close", "code": POLICY})
        self._closed = True

    async def read(self) -> str | bytes:
        """The next message. Raises Closed."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._closed = True
            raise Closed(message.get("code") or 1006)
        text: str | None = message.get("text")
        if text is not None:
            return text
        data: bytes = message["bytes"]
        return data

    def tap(self, take: Callable[[bytes], bool] | None, *, binary: bool = False) -> None:
        """Offer whole messages to `take` as they come; `read` gives those it does not take. None ends it.

        `take` runs in the server's own callback: no task wakes for a frame.
        """
        server = getattr(self._receive, "__self__", None)
        if isinstance(server, TappedProtocol):
            server.tapped = BINARY if binary else TEXT
            server.tap = take

    def post_text(self, text: str) -> None:
        self._post({"type": "websocket.send", "text": text})

    def post_bytes(self, data: bytes) -> None:
        self._post({"type": "websocket.send", "bytes": data})

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; `read` then raises Closed."""
        if not self._closed:
            self._post({"type": "websocket.close", "code": code, "reason": clipped_bytes(reason, MAX_REASON)})
            self._closed = True

    def _post(self, message: Message) -> None:
        """One step of the server's `send`, which waits only when the transport is full: no task, no queue per frame."""
        if self._closed:
            return
        step = self._send(message).__await__()  # a generator: `next` runs it to its first wait
        try:
            next(step)
        except StopIteration:
            return
        except Exception as error:
            # The connection went away between two events; the reader learns of it by itself.
            self._closed = True
            log.debug("send after the end", error=type(error).__name__)
            return
        step.close()
        self._closed = True
        SLOW_READERS.inc()
        log.warning("the far end does not read; cut")
        # A close frame would wait behind the full buffer. ASGI has no word for this; the server's own object does.
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
