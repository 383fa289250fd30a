"""What the service and a worker say to each other: a sound and what is wanted of it, and what was heard.

to it   DECODE (u32 LE: bytes of the wish; the wish as JSON; audio bytes of its format)
from it READY (JSON Greeting, number 0: the model is loaded), HEARD (JSON), FAILED (text)
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass

import orjson

from parley.audio import AudioFormat
from parley.workers.wire import Kinds

_SIZE = struct.Struct("<I")


class Kind(Kinds):
    UNKNOWN = 0  # a number that is none of these: to be skipped
    DECODE = 1
    READY = 2
    HEARD = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Greeting:
    """`decode_s`: how long a sound of 10 s takes here, measured. `languages`: codes that the model knows."""

    decode_s: float
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """`final`: the times of the words are wanted, and a second try where the first looks bad, unless it is `hurried`.
    `careful`: digits are expected.
    """

    format: AudioFormat
    language: str = "en"
    final: bool = False
    careful: bool = False
    hurried: bool = False
    keyterms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardWord:
    """Times in ms from the beginning of the sound."""

    text: str
    start_ms: int
    end_ms: int
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model made of a sound.

    `score`: mean log-probability of the tokens; `no_speech`: 0..1, that there was none; `took_s`: of the first try.
    """

    text: str
    score: float
    no_speech: float
    took_s: float = 0.0
    words: tuple[HeardWord, ...] = ()


def pack_wish(wish: Wish, audio: bytes) -> bytes:
    head = orjson.dumps(asdict(wish))
    return _SIZE.pack(len(head)) + head + audio


def unpack_wish(data: bytes) -> tuple[Wish, bytes]:
    (size,) = _SIZE.unpack_from(data)
    fields = orjson.loads(data[_SIZE.size : _SIZE.size + size])
    fields["format"] = AudioFormat(**fields["format"])
    fields["keyterms"] = tuple(fields["keyterms"])
    return Wish(**fields), data[_SIZE.size + size :]


def pack(told: Heard | Greeting) -> bytes:
    return orjson.dumps(asdict(told))


def unpack_heard(data: bytes) -> Heard:
    """Raises ValueError or TypeError for what is none."""
    fields = orjson.loads(data)
    fields["words"] = tuple(HeardWord(**word) for word in fields["words"])
    return Heard(**fields)


def unpack_greeting(data: bytes) -> Greeting:
    fields = orjson.loads(data)
    return Greeting(fields["decode_s"], tuple(fields["languages"]))
