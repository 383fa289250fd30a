"""JSON as it is written in calls, for whoever looks at it."""

from __future__ import annotations

from typing import Any

import orjson


def json_or_text(text: str) -> Any:
    """The value; what is no JSON stays text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def arguments_of(text: str) -> dict[str, Any]:
    """A tool's arguments."""
    value = json_or_text(text or "{}")
    return value if isinstance(value, dict) else {"": value}


def told(result_json: str, message: str) -> str:
    """What a tool said of itself: its summary, or else all of its result, or why there is none."""
    value = json_or_text(result_json) if result_json else None
    if isinstance(value, dict):
        return str(value.get("summary") or value)
    return message or ("" if value is None else str(value))
