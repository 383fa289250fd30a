"""The call's state and `step`'s inputs as protobuf, field by field, by name.

Each dataclass of `state.py` and `events.py` has a message of the same fields in `events.proto`; a test holds the two
together. Unions stand in a message with one `oneof`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import types
import typing
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from parley.v1 import events_pb2
from services.orchestrator.mind import events, state

_PLAIN = (str, bytes, int, float, bool)


def state_to_proto(call: state.Call) -> events_pb2.CallState:
    out = events_pb2.CallState()
    _write(call, out)
    return out


def state_from_proto(message: events_pb2.CallState) -> state.Call:
    return typing.cast(state.Call, _read(state.Call, message))


def line_to_proto(line: state.Line) -> events_pb2.StateLine:
    out = events_pb2.StateLine()
    _write_one(line, out, (state.CallerLine, state.BotLine))
    return out


def kind_of(event: events.Event) -> str:
    """As its field of `StepInput` is called: `speech_started`."""
    return _snake(type(event).__name__)


def digest(message: events_pb2.CallState) -> str:
    """16 hex digits that equal states share. A field that a later version adds changes nothing until it is set."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()[:16]


def event_to_proto(event: events.Event) -> events_pb2.StepInput:
    out = events_pb2.StepInput(at_ms=event.at_ms, seq=event.seq)
    inner = getattr(out, _snake(type(event).__name__))
    inner.SetInParent()
    _write(event, inner)
    return out


def event_from_proto(message: events_pb2.StepInput) -> events.Event:
    """Raises ValueError for an input that this version does not know."""
    name = message.WhichOneof("event")
    if name is None:
        raise ValueError("an input of an unknown kind; it was written by a newer version")
    event = _read(_EVENTS[name], getattr(message, name))
    return typing.cast(events.Event, dataclasses.replace(event, at_ms=message.at_ms, seq=message.seq))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_EVENTS = {_snake(kind.__name__): kind for kind in events.KINDS}


@lru_cache(maxsize=128)
def _fields(cls: Any) -> tuple[tuple[str, Any, tuple[Any, ...]], ...]:
    """Of each field: name, element type, and the members when it is a union of dataclasses (else empty)."""
    if cls is state.Epoch:
        return (("leg", int, ()), ("open", int, ()))
    hints = typing.get_type_hints(cls)
    rows = []
    for f in dataclasses.fields(cls):
        if cls in events.KINDS and f.name in ("at_ms", "seq"):
            continue
        hint = hints[f.name]
        element = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
        members: tuple[Any, ...] = ()
        if isinstance(element, types.UnionType):
            members = tuple(a for a in typing.get_args(element) if a is not type(None))
            if len(members) == 1:
                element, members = members[0], ()
        rows.append((f.name, element, members))
    return tuple(rows)


def _write(value: Any, out: Any) -> None:
    cls: Any = type(value)
    for name, element, members in _fields(cls):
        item = getattr(value, name)
        if isinstance(item, tuple) and not isinstance(item, state.Epoch):
            target = getattr(out, name)
            if element in _PLAIN:
                target.extend(item)
            else:
                for entry in item:
                    _write_one(entry, target.add(), members)
        elif element in _PLAIN:
            setattr(out, name, item)
        elif item is not None:
            inner = getattr(out, name)
            inner.SetInParent()
            _write_one(item, inner, members)


def _write_one(item: Any, out: Any, members: tuple[Any, ...]) -> None:
    if members:
        out = getattr(out, _snake(type(item).__name__))
        out.SetInParent()
    _write(item, out)


def _read(cls: Any, message: Message) -> Any:
    values: dict[str, Any] = {}
    for name, element, members in _fields(cls):
        item = getattr(message, name)
        if element in _PLAIN:
            values[name] = item if isinstance(item, element) else tuple(item)
        elif isinstance(item, Message):
            if message.HasField(name):
                values[name] = _read_one(element, item, members)
        else:
            values[name] = tuple(_read_one(element, entry, members) for entry in item)
    return cls(**values)


def _read_one(element: Any, message: Message, members: tuple[Any, ...]) -> Any:
    if not members:
        return _read(element, message)
    (descriptor,) = message.DESCRIPTOR.oneofs
    chosen = message.WhichOneof(descriptor.name)
    cls = next((m for m in members if _snake(m.__name__) == chosen), None)
    if chosen is None or cls is None:
        raise ValueError(f"{message.DESCRIPTOR.name}: nothing is set")
    return _read(cls, getattr(message, chosen))
