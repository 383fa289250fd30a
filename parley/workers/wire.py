"""What the service and a worker process say to each other over a socket: framed, bounded, both directions.

frame = size u32 LE, kind u8, number u32 LE, payload of `size` bytes; what a kind means is the engine's affair
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("<IBI")
MAX_PAYLOAD = 1 << 20


class Kinds(IntEnum):
    """What messages an engine has; each has `UNKNOWN = 0`: a number that is none of them, to be skipped."""

    @classmethod
    def _missing_(cls, value: object) -> Kinds:
        return next(kind for kind in cls if kind == 0)


@dataclass(frozen=True, slots=True)
class Message:
    """`stream`: which stream or job it is about; 0: the worker itself."""

    kind: Kinds
    stream: int
    payload: bytes = b""

    def pack(self) -> bytes:
        return HEADER.pack(len(self.payload), self.kind, self.stream) + self.payload


class Unpacker:
    """Bytes to messages. Raises ValueError for a payload above 1 MB: where the next begins is then not known."""

    def __init__(self, kinds: type[Kinds]) -> None:
        self._kinds = kinds
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
            yield Message(self._kinds(kind), stream, bytes(self._data[at : at + size]))
            at += size
        del self._data[:at]
