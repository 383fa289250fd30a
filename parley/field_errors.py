"""What is wrong in a YAML file, as its author is told: field, remedy, line. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

Place = Sequence[str | int]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAMED = re.compile(r"([A-Za-z_][\w.]*): ")
"""What is about several fields names the one to change itself."""


def told(error: ValidationError, source: str, model: type[BaseModel]) -> str:
    """All that is wrong in `source`, each with its field, the remedy, and the line where the field stands, or what
    holds it when it is missing."""
    root = yaml.compose(source, _LOADER)
    lines = []
    for each in error.errors():
        place: Place = each["loc"]
        extra = each["type"] == "extra_forbidden"
        message = _unknown(model, place) if extra else _remedy(each["msg"], each["input"])
        told = f"{'.'.join(map(str, place))}: {message}" if place else message
        if not place and (named := _NAMED.match(message)):
            place = named[1].split(".")
        lines.append(f"{told} (line {line_of(root, place)})")
    return "; ".join(lines)


def line_of(root: yaml.Node | None, place: Place) -> int:
    """The line, from 1, of a field; as far as the file goes on the way to it."""
    line, node = 1, root
    for part in place:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item: yaml.Node = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _fields(model: type[BaseModel], place: Place) -> list[str]:
    """What stands at a place, by the model; empty: anything may."""
    found: Any = model
    for part in place:
        found = _inside(_bare(found), part)
    found = _bare(found)
    return list(found.model_fields) if isinstance(found, type) and issubclass(found, BaseModel) else []


def _inside(holder: Any, part: str | int) -> Any:
    """The type of one part of a model, a mapping or a list; None: not known."""
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        field = holder.model_fields.get(str(part))
        return field.annotation if field is not None else None
    arguments = get_args(holder)
    if get_origin(holder) is dict:
        return arguments[1]
    return arguments[0] if get_origin(holder) in (list, tuple) else None


def _bare(annotation: Any) -> Any:
    """Without its notes, and without `| None`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else None
    return annotation


def _unknown(model: type[BaseModel], place: Place) -> str:
    known = _fields(model, place[:-1])
    if near := get_close_matches(str(place[-1]), known, 1):
        return f"there is no such field, did you mean {near[0]}?"
    return f"there is no such field here, there are {', '.join(known)}" if known else "there is no such field here"


def _remedy(message: str, value: object) -> str:
    """What is wrong and what is right, with the value as it was written when it is a plain one."""
    message = message.removeprefix("Value error, ")
    plain_value = isinstance(value, str | int | float) and len(str(value)) <= 60
    return f"{message}, not {value!r}" if plain_value and message.startswith("Input should") else message
