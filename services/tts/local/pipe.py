"""The pipe between the service and the process that holds a voice: frames of a kind, a stream number and a payload.

to the process      SAY     one piece of text as JSON (`Piece`); answered by AUDIO or SPOKEN frames, then one DONE
                    STOP    the stream's pieces, spoken or waiting, are dropped; never answered
from the process    AUDIO   the times of words that begin in it, then samples in the piece's format
                    SPOKEN  the same from a voice that knows where its words end
                    DONE    empty, or why the piece cannot be spoken
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import orjson

from parley.audio import AudioFormat, EncodingName
from services.tts.contract import WordTime

SAY, STOP, AUDIO, DONE, SPOKEN = range(1, 6)
HEADER = struct.Struct("!BII")
MAX_PAYLOAD = 1 << 20
_COUNT = struct.Struct("!H")
_WORD = struct.Struct("!II")
_TIMED_WORD = struct.Struct("!IIII")
BUSY, WRONG, BROKEN = b"busy: ", b"wrong: ", b"broken: "
"""Why a piece is not spoken: too many others wait; the request asks for what there is not; the voice failed."""


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
    if not SAY <= kind <= SPOKEN or size > MAX_PAYLOAD:
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


def pack_spoken(words: Iterable[WordTime], since_ms: int, data: bytes) -> bytes:
    """`words`: characters of the piece's text, ms since `since_ms` after its first byte."""
    packed = [_TIMED_WORD.pack(w.char_start, w.char_end, since_ms + w.start_ms, since_ms + w.end_ms) for w in words]
    return b"".join((_COUNT.pack(len(packed)), *packed, data))


def unpack_spoken(payload: bytes) -> tuple[list[WordTime], bytes]:
    """Words since the piece's first byte, and samples."""
    begin = _COUNT.size
    end = begin + _COUNT.unpack_from(payload)[0] * _TIMED_WORD.size
    return [WordTime(*word) for word in _TIMED_WORD.iter_unpack(payload[begin:end])], payload[end:]


def refusal(kind: bytes, why: str) -> bytes:
    return kind + why.encode()
