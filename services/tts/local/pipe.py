"""The pipe between the service and the process that holds espeak-ng: frames of a kind, a stream number and a payload.

to the process      SAY    one piece of text as JSON (`Piece`); answered by AUDIO frames, then one DONE
                    STOP   the stream's pieces, spoken or waiting, are dropped; never answered
from the process    AUDIO  the times of words that begin in it, then samples in the piece's format
                    DONE   empty, or why the piece cannot be spoken
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import orjson

from parley.audio import AudioFormat, EncodingName

SAY, STOP, AUDIO, DONE = range(1, 5)
HEADER = struct.Struct("!BII")
MAX_PAYLOAD = 1 << 20
_COUNT = struct.Struct("!H")
_WORD = struct.Struct("!II")


class BrokenPipe(Exception):
    """Bytes that are no frame: one of the two sides is not what it should be."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to say. `pause_ms` of silence comes first. `speed` 1 = the voice's own."""

    text: str
    voice: str
    speed: float
    encoding: EncodingName
    rate: int
    pause_ms: int = 0

    @property
    def format(self) -> AudioFormat:
        return AudioFormat(self.encoding, self.rate)

    def pack(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def unpack(cls, payload: bytes) -> Piece:
        return cls(**orjson.loads(payload))


def frame(kind: int, stream: int, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, stream, len(payload)) + payload


def header(data: bytes) -> tuple[int, int, int]:
    """Kind, stream and size of the payload. Raises BrokenPipe."""
    kind, stream, size = HEADER.unpack(data)
    if not SAY <= kind <= DONE or size > MAX_PAYLOAD:
        raise BrokenPipe(f"a frame of kind {kind} with {size} bytes")
    return kind, stream, size


def pack_audio(words: Iterable[tuple[int, int]], data: bytes) -> bytes:
    """`words`: character of the piece's text and ms since its first byte."""
    packed = [_WORD.pack(*word) for word in words]
    return b"".join((_COUNT.pack(len(packed)), *packed, data))


def unpack_audio(payload: bytes) -> tuple[list[tuple[int, int]], bytes]:
    begin = _COUNT.size
    end = begin + _COUNT.unpack_from(payload)[0] * _WORD.size
    return list(_WORD.iter_unpack(payload[begin:end])), payload[end:]
