"""What became of an action that the caller was asked about, as the mind tells every model of it. Pure.

The mind asks, understands the answer and does it (services/orchestrator/mind/bot/confirming.py). What is left for a
model is told by the tool message: `ask`, the question is open or was said yes to; `refused`, with words that begin with
`Not done:`, it was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

State = Literal["", "asked", "declined", "left"]
_NOT_DONE = "Not done:"
_DECLINED = ("said no", "no clear yes")


def of_message(told: Mapping[str, Any]) -> State:
    """`asked`: the question is open, or was answered with yes; `declined`: there was no yes to it; `left`: it was
    changed, or something else took its place; "": it is a tool's own outcome.
    """
    status, message = told.get("status"), str(told.get("message", ""))
    if status == "ask":
        return "asked"
    if status != "refused" or not message.startswith(_NOT_DONE):
        return ""
    return "declined" if any(words in message for words in _DECLINED) else "left"


def of_text(message: str) -> State:
    """The same of a tool message's text."""
    try:
        told = orjson.loads(message)
    except orjson.JSONDecodeError:
        return ""
    return of_message(told) if isinstance(told, dict) else ""
