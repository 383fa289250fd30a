"""Inputs and effects of `step` as lines to read, side by side. What was said is shown only where that is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import zip_longest

# Texts of these fields are our own words; all others may be personal data.
_OURS = {"id", "kind", "outcome", "expect", "organ", "cause", "error", "status"}
_UNTOLD = {"at_ms", "seq", "policy"}
_WIDTH = 56


def line_of(value: object, show_text: bool) -> str:
    """`Final(text=<12 characters>, confidence=0.9)`: fields as they differ from their defaults."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return str(value)
    parts = []
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if field.name in _UNTOLD or (item == field.default and field.name != "turn"):
            continue
        parts.append(f"{field.name}={_shown(field.name, item, show_text)}")
    return f"{type(value).__name__}({', '.join(parts)})"


def _shown(name: str, item: object, show_text: bool) -> str:
    if isinstance(item, str) and not show_text and name not in _OURS:
        return f"<{len(item)} characters>"
    if isinstance(item, tuple) and not hasattr(item, "_fields"):
        return f"[{', '.join(_shown(name, each, show_text) for each in item)}]"
    return line_of(item, show_text) if dataclasses.is_dataclass(item) else repr(item)


def lines_of(recorded: Sequence[object], other: Sequence[object], show_text: bool) -> Iterator[str]:
    """Two lists of effects next to each other; `!` where they differ."""
    for left, right in zip_longest(recorded, other):
        mark = " " if left == right else "!"
        texts = [line_of(each, show_text) if each is not None else "-" for each in (left, right)]
        yield f"{mark} {texts[0]:<{_WIDTH}} | {texts[1]}"
