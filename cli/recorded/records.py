"""The records of a call, from NATS or from a file, for the commands that read them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import json_format

from cli.reach.operating import operator_bus
from parley.bus import records_of
from parley.errors import BadInput, NotFound
from parley.settings import Settings
from parley.v1 import events_pb2

Records = list[events_pb2.EventRecord]


async def fetch(settings: Settings, call_id: str) -> Records:
    """From NATS. Raises BadInput, Unavailable, NotFound."""
    if not call_id:
        raise BadInput("which call? Give its id, or --file")
    async with operator_bus(settings, " (or give --file)") as bus:
        found = await records_of(bus, call_id)
    if not found:
        raise NotFound(f"there are no records of call {call_id}; they are kept for a day")
    return [events_pb2.EventRecord.FromString(data) for data in found]


def read(file: Path) -> Records:
    """What `save` wrote. Raises BadInput."""
    try:
        lines = file.read_text("utf-8").splitlines()
        return [json_format.Parse(line, events_pb2.EventRecord()) for line in lines if line]
    except (OSError, UnicodeDecodeError, json_format.ParseError) as e:
        raise BadInput(f"--file {file}: not records that --save wrote ({type(e).__name__})") from e


def save(path: Path, records: Sequence[events_pb2.EventRecord]) -> None:
    """One record a line, as JSON, for this user's eyes only. Raises BadInput."""
    text = "".join(json_format.MessageToJson(record, indent=None) + "\n" for record in records)
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
    except OSError as e:
        raise BadInput(f"--save {path}: {e.strerror}") from e
