"""Personal data in a text replaced by the name of its kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from parley.pii.finding import find
from parley.pii.kinds import ALL, Kind, Span

MAX_DEPTH = 12


def token(kind: Kind) -> str:
    return f"[{kind}]"


def mask(text: str, kinds: frozenset[Kind] = ALL) -> str:
    """`text` with `[card]`, `[ssn]` and so on where personal data stood."""
    return masked(text, find(text, kinds))


def masked(text: str, spans: Iterable[Span]) -> str:
    """`text` with the kinds of these spans in their places; they stand in order and do not overlap."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], token(span.kind)]
        at = span.end
    return "".join([*parts, text[at:]])


def mask_value(value: Any, kinds: frozenset[Kind] = ALL, depth: int = 0) -> Any:
    """The same for all texts in what JSON can hold, keys left as they are; what is nested deeper than MAX_DEPTH is
    replaced by `[deep]`."""
    if isinstance(value, str):
        return mask(value, kinds)
    if depth >= MAX_DEPTH and isinstance(value, Mapping | list | tuple):
        return "[deep]"
    if isinstance(value, Mapping):
        return {key: mask_value(each, kinds, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [mask_value(each, kinds, depth + 1) for each in value]
    return value
