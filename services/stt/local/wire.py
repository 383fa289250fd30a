"""What the service and a worker say to each other over a socket: framed, bounded, both directions.

frame   = size u32 LE, kind u8, stream u32 LE, payload of `size` bytes
to it   OPEN (JSON: config and model), AUDIO, FLUSH, END (no more audio), CLOSE (forget this stream)
from it EVENTS (JSON list), TAKEN (u32: bytes of audio done), DONE (after END), FAILED (text)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import orjson

from services.stt.contract import (
    Final,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Word,
)
from services.stt.skipped import Skip

HEADER = struct.Struct("<IBI")
COUNT = struct.Struct("<I")
MAX_PAYLOAD = 256 * 1024


class Kind(IntEnum):
    UNKNOWN = 0  # a number that is none of these: to be skipped
    OPEN = 1
    AUDIO = 2
    FLUSH = 3
    END = 4
    CLOSE = 5
    EVENTS = 6
    TAKEN = 7
    DONE = 8
    FAILED = 9

    @classmethod
    def _missing_(cls, value: object) -> Kind:
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Message:
    kind: Kind
    stream: int
    payload: bytes = b""

    def pack(self) -> bytes:
        return HEADER.pack(len(self.payload), self.kind, self.stream) + self.payload


class Unpacker:
    """Bytes to messages. Raises ValueError for a payload above 256 KB: where the next begins is then not known."""

    def __init__(self) -> None:
        self._data = bytearray()

    def push(self, data: bytes) -> Iterator[Message]:
        self._data += data
        at = 0
        while len(self._data) - at >= HEADER.size:
            size, kind, stream = HEADER.unpack_from(self._data, at)
            if size > MAX_PAYLOAD:
                raise ValueError(f"payload of {size} bytes; at most {MAX_PAYLOAD}")
            if len(self._data) - at - HEADER.size < size:
                break
            at += HEADER.size
            yield Message(Kind(kind), stream, bytes(self._data[at : at + size]))
            at += size
        del self._data[:at]


_EVENTS: dict[str, type[Any]] = {kind.__name__: kind for kind in (SpeechStarted, Interim, Final, SpeechStopped)}


def pack_events(events: list[SpeechEvent]) -> bytes:
    return orjson.dumps([[type(event).__name__, asdict(event)] for event in events])


def unpack_events(data: bytes) -> list[SpeechEvent]:
    """Raises Skip for what is no list of events."""
    try:
        return [_event(name, fields) for name, fields in orjson.loads(data)]
    except (KeyError, TypeError, ValueError) as e:
        raise Skip("half") from e


def unpack_count(data: bytes) -> int:
    """Raises Skip for what is no number of bytes."""
    try:
        return int(COUNT.unpack(data)[0])
    except struct.error as e:
        raise Skip("half") from e


def _event(name: str, fields: dict[str, Any]) -> SpeechEvent:
    if name == Final.__name__:
        fields["words"] = tuple(Word(**word) for word in fields["words"])
    event: SpeechEvent = _EVENTS[name](**fields)
    return event
