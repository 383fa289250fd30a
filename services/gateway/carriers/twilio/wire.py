"""Twilio Media Streams: what we send, and how what comes is read."""

from __future__ import annotations

import binascii
from typing import Any

import orjson

from services.gateway.doors.inbox import Dialect, Flaw
from services.gateway.doors.websocket import WebSocket

MAX_FRAME = 8_000
"""Bytes of µ-law in one message: a second."""


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

    def tell_here(self, message: dict[str, Any]) -> None:
        """Nor this."""

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)


def frame_of(event: dict[str, Any]) -> bytes | Flaw:
    """The sound of a `media` message, or what is wrong with it."""
    try:
        media = event["media"]
        frame = binascii.a2b_base64(media["payload"], strict_mode=True)
    except (binascii.Error, ValueError):
        return Flaw("base64")
    except (KeyError, TypeError):
        return Flaw("media fields")
    if not frame or len(frame) > MAX_FRAME:
        return Flaw("media length")
    if media.get("track") == "outbound":
        return Flaw("media track")
    return frame


DIALECT = Dialect("event", frame_of, before_start=frozenset(("connected",)))
