"""A WebSocket client without a task or a queue per frame: `websockets` decides, asyncio's transport carries."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from parley.errors import Unavailable

MAX_MESSAGE = 4 * 1024 * 1024
OPEN_S = 10.0
CLOSE_S = 2.0


class Wire(asyncio.Protocol):
    """One connection, made by `connect`. `send` never waits; what comes is handed to `on_text` or `on_binary`."""

    def __init__(
        self, protocol: ClientProtocol, on_text: Callable[[str], None], on_binary: Callable[[bytes], None]
    ) -> None:
        self._protocol = protocol
        self._on_text = on_text
        self._on_binary = on_binary
        self._parts: list[bytes] = []
        self._kind = Opcode.TEXT
        self._transport: asyncio.Transport
        loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()

    def send(self, message: str | bytes) -> None:
        """A text message, or a binary one; dropped when the connection is closing."""
        if self._protocol.state is State.OPEN:
            if isinstance(message, str):
                self._protocol.send_text(message.encode())
            else:
                self._protocol.send_binary(message)
            self._flush()

    def close(self, code: int = 1000) -> None:
        """Say goodbye; a server that does not answer is left after 2 s."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(CLOSE_S, self.abort)

    def abort(self) -> None:
        """Gone without a word, as when a network cable is cut."""
        self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but descent
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._answered(event)
            else:
                self._take(event)
        self._lingers()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        if not self.opened.done():
            self.opened.set_exception(Unavailable("the server closed during the WebSocket's handshake"))
        if not self.closed.done():
            self.closed.set_result(self._protocol.close_code or CloseCode.ABNORMAL_CLOSURE)

    # Inside

    def _answered(self, response: Response) -> None:
        if self.opened.done():
            return
        if self._protocol.handshake_exc is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(Unavailable(f"the WebSocket was refused with status {response.status_code}"))

    def _take(self, event: object) -> None:
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kind, self._parts = event.opcode, []
        elif event.opcode is not Opcode.CONT:
            return
        self._parts.append(bytes(event.data))
        if event.fin:
            message = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts = []
            if self._kind is Opcode.TEXT:
                self._on_text(message.decode("utf-8", "replace"))
            else:
                self._on_binary(message)

    def _lingers(self) -> None:
        """The server has said goodbye: it closes the connection first, but is not waited for long."""
        if self._protocol.close_expected() and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CLOSE_S, self.abort)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()


async def connect(
    url: str,
    headers: Mapping[str, str],
    on_text: Callable[[str], None],
    on_binary: Callable[[bytes], None],
) -> Wire:
    """Open a WebSocket. Raises Unavailable: nobody there, or refused."""
    try:
        protocol = ClientProtocol(parse_uri(url), max_size=MAX_MESSAGE)
    except InvalidURI as error:
        raise Unavailable(f"not a WebSocket's address: {url}") from error
    request = protocol.connect()
    for name, value in headers.items():
        request.headers.pop(name, None)
        request.headers[name] = value
    protocol.send_request(request)
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    wire = Wire(protocol, on_text, on_binary)
    try:
        async with asyncio.timeout(OPEN_S):
            await asyncio.get_running_loop().create_connection(
                lambda: wire,
                parts.hostname or "",
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
            await wire.opened
    except (OSError, TimeoutError, InvalidHandshake) as error:
        if wire.opened.done() and not wire.opened.cancelled():
            wire.opened.exception()
        raise Unavailable(f"no WebSocket at {url} ({type(error).__name__})") from error
    return wire
