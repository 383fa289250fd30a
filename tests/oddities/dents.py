"""A good message with a dent: a field set to something else, or taken out. Paths are `channel.alternatives.0.words`."""

from __future__ import annotations

import copy
from typing import Any


def dented(message: Any, but: dict[str, Any] | None = None, without: list[str] | None = None) -> Any:
    """A copy of `message` with the values of `but` at their paths, and without the fields of `without`."""
    made = copy.deepcopy(message)
    for path, value in (but or {}).items():
        holder, last = _at(made, path)
        holder[last] = value
    for path in without or ():
        holder, last = _at(made, path)
        del holder[last]
    return made


def paths(message: Any, before: str = "") -> list[str]:
    """The path of every field, and of every entry of a list, whatever it holds."""
    if isinstance(message, dict):
        entries: list[tuple[Any, Any]] = list(message.items())
    elif isinstance(message, list):
        entries = list(enumerate(message))
    else:
        return []
    found = []
    for key, value in entries:
        path = f"{before}{key}"
        found += [path, *paths(value, f"{path}.")]
    return found


def _at(message: Any, path: str) -> tuple[Any, Any]:
    """What holds the last step of a path, and that step."""
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        message = message[step]
    return message, last
