"""The sentence that is said of a result when the model has no words for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parley.text.placeholders import filled, names_in
from services.tools.foreign.words import one_line

MAX_VALUE_CHARS = 100
DONE = "It was done."
FOUND = "There is an answer."


def summary_of(template: str, values: Mapping[str, Any], effects: bool) -> str:
    """`template` with the values in its places; general words when it is empty, or one of them is not known."""
    said = {name: _spoken(values.get(name)) for name in names_in(template)}
    if not template or not all(said.values()):
        return DONE if effects else FOUND
    return filled(template, lambda name: said[name])


def _spoken(value: Any) -> str:
    """Empty: nothing that can be said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return one_line(str(value), MAX_VALUE_CHARS)
    if isinstance(value, list) and value and all(isinstance(each, str | int | float) for each in value):
        *first, last = [_spoken(each) for each in value[:10]]
        return f"{', '.join(first)} and {last}" if first else last
    return ""
