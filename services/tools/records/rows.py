"""What a row, a key and a collection may be, and how many. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from parley.tooling import ToolError

MAX_ROW_BYTES = 16 * 1024
"""Of a row's JSON."""
MAX_KEY_CHARS = 200
MAX_ROWS = 100_000
"""Of one collection, deleted ones included: see `purge`."""
WRITTEN_FROM = 10**12
"""Places in the order of a collection from here on are of rows that no file has: the time, in µs."""
MAX_READ = 5_000
"""Rows that `all` or `find` may return."""
MAX_CHANGES = 500
"""Rows that one transaction may write."""


class BadRow(ToolError):
    """In words: what is wrong with a row or a key."""


def checked_collection(name: str) -> str:
    """The name of `data/<name>.yaml`, or one that only tools write. Raises BadRow."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
        raise BadRow(f"collection {name!r}: use up to 100 letters, digits, _, - and .")
    return name


def checked_key(key: str) -> str:
    """Raises BadRow."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable():
        raise BadRow(f"key {key!r}: use text of 1 to {MAX_KEY_CHARS} printable characters")
    return key


def packed(row: Any) -> str:
    """A row as JSON text; dates in ISO form, Decimals as text. Raises BadRow."""
    if not isinstance(row, Mapping):
        raise BadRow(f"expected a mapping of fields, got {type(row).__name__}")
    try:
        text = orjson.dumps(dict(row), default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError) as e:
        raise BadRow(f"it cannot be kept as JSON: {e}") from e
    if len(text) > MAX_ROW_BYTES:
        raise BadRow(f"it has {len(text):,} bytes as JSON; {MAX_ROW_BYTES:,} are allowed")
    if re.search(rb"(?<!\\)(\\\\)*\\u0000", text):
        raise BadRow("it has a NUL character")  # PostgreSQL keeps none
    return text.decode()


def unpacked(text: str) -> dict[str, Any]:
    row: dict[str, Any] = orjson.loads(text)
    return row


def as_kept(value: Any) -> Any:
    """A value as it comes back out of a row. Raises BadRow."""
    return unpacked(packed({"value": value}))["value"]


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"type is not JSON serializable: {type(value).__name__}")
