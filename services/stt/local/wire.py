"""What the service and a worker of the local recogniser say to each other.

to it   OPEN (JSON: config and model), AUDIO, FLUSH, END (no more audio), CLOSE (forget this stream)
from it EVENTS (JSON list), TAKEN (u32: bytes of audio done), DONE (after END), FAILED (text)
"""

from __future__ import annotations

import struct
from dataclasses import asdict
from typing import Any

import orjson

from parley.workers.wire import Kinds
from services.stt.contract import (
    Final,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Word,
)
from services.stt.skipped import Skip

COUNT = struct.Struct("<I")


class Kind(Kinds):
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
