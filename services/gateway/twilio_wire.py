"""The telephone's far end: Twilio Media Streams, what we send and how what comes is read."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from services.gateway.clock import now_ms
from services.gateway.flood import of_messages
from services.gateway.metrics import BAD_MESSAGES
from services.gateway.websocket import POLICY, Closed, WebSocket

MAX_FRAME = 8_000
"""Bytes of µ-law in one message: a second."""
MAX_BAD = 50
"""A far end that breaks the protocol this often is closed with 1008."""


class TwilioWire:
    """`media`, `mark` and `clear`, from templates: Twilio refuses a missing and also an extra field."""

    def __init__(self, socket: WebSocket, stream_sid: str) -> None:
        self._socket = socket
        sid = orjson.dumps(stream_sid).decode()
        self._media = f'{{"event":"media","streamSid":{sid},"media":{{"payload":"'
        self._mark = f'{{"event":"mark","streamSid":{sid},"mark":{{"name":"'
        self._clear = f'{{"event":"clear","streamSid":{sid}}}'

    def send_audio(self, data: bytes) -> None:
        payload = binascii.b2a_base64(data, newline=False).decode("ascii")
        self._socket.post_text(f'{self._media}{payload}"}}}}')

    def clear(self) -> None:
        self._socket.post_text(self._clear)

    def mark(self, name: str) -> None:
        self._socket.post_text(f'{self._mark}{name}"}}}}')

    def tell(self, message: dict[str, Any]) -> None:
        """A telephone shows nothing."""

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)


class Inbox:
    """Reads messages of the stream; what breaks the protocol is counted and passed over, up to a bound."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._bad = 0
        self._allowance = of_messages()

    async def read(self) -> dict[str, Any]:
        """The next message that is a JSON object with an event's name. Raises Closed, also after too many bad ones."""
        while True:
            message = await self._socket.read()
            if isinstance(message, bytes):
                self.bad("binary")
                continue
            try:
                event = orjson.loads(message)
            except orjson.JSONDecodeError:
                self.bad("json")
                continue
            if not isinstance(event, dict) or not isinstance(event.get("event"), str):
                self.bad("no event")
            elif event["event"] != "media" and not self._allowance.takes(1, now_ms()):
                self.bad("flood")
            else:
                return event

    @contextmanager
    def sound_to(self, take: Callable[[bytes], None]) -> Iterator[None]:
        """Meanwhile the sound of a good `media` message goes straight to `take`; the others come by `read`."""

        def offered(message: bytes) -> bool:
            try:
                event = orjson.loads(message)
                frame = frame_of(event) if event["event"] == "media" else None
            except (orjson.JSONDecodeError, TypeError, KeyError):
                return False
            if not isinstance(frame, bytes):
                return False
            take(frame)
            return True

        self._socket.tap(offered)
        try:
            yield
        finally:
            self._socket.tap(None)

    def bad(self, kind: str) -> None:
        """One more message that breaks the protocol. Raises Closed after too many."""
        BAD_MESSAGES.labels(kind).inc()
        self._bad += 1
        if self._bad >= MAX_BAD:
            self._socket.close(POLICY, "too many bad messages")
            raise Closed(POLICY)


def frame_of(event: dict[str, Any]) -> bytes | str:
    """The sound of a `media` message, or what is wrong with it."""
    try:
        media = event["media"]
        frame = binascii.a2b_base64(media["payload"], strict_mode=True)
    except (binascii.Error, ValueError):
        return "base64"
    except (KeyError, TypeError):
        return "media fields"
    if not frame or len(frame) > MAX_FRAME:
        return "media length"
    if media.get("track") == "outbound":
        return "media track"
    return frame
