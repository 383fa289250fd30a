"""What is sent: one JSON object a message. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from parley.pii import mask_value
from parley.watching import Happening

KINDS: Mapping[str, str] = {
    "call.started": "a call began",
    "call.ended": "a call is over, and what came of it",
    "call.transferred": "the caller was handed to somebody else",
    "tool.failed": "a tool failed, or nobody knows whether it did",
}
PING = "ping"
"""Sent when somebody wants to see whether it comes."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the same for the same happening. `data` as it may leave."""

    id: str
    kind: str
    call_id: str
    at_ms: int
    data: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        whole = {"id": self.id, "type": self.kind, "timestamp": at, "version": VERSION, "data": self.data}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def message_id(source: str) -> str:
    return f"msg_{hashlib.sha256(source.encode()).hexdigest()[:32]}"


def message_of(happening: Happening, more: Mapping[str, Any] | None = None, *, keep_pii: bool = False) -> Message:
    """`more`: what else is known of it. Without `keep_pii` numbers and names are masked."""
    detail = happening.detail
    data: dict[str, Any] = {"call_id": happening.call_id}
    if happening.kind == "call.started":
        for name in ("agent", "agent_version", "channel", "direction", "language", "called"):
            data[name] = detail[name]
        data["caller"] = detail["caller_pii"]
    elif happening.kind == "tool.failed":
        data |= {"tool": detail["name"], "status": detail["status"], "message": detail["message_pii"]}
    elif happening.kind == "call.ended":
        data |= {"reason": detail["reason"]}
    data |= more or {}
    return Message(
        message_id(happening.id),
        happening.kind,
        happening.call_id,
        happening.at_ms,
        data if keep_pii else masked(data),
    )


def masked(data: Mapping[str, Any]) -> dict[str, Any]:
    """A caller's number keeps its last two digits; what is found in other texts is replaced by the name of its kind.
    The ids, and the number that was called, are the operator's own."""
    own = {
        "call_id",
        "called",
        "agent",
        "agent_version",
        "channel",
        "direction",
        "language",
        "tool",
        "status",
        "transferred_to",
    }
    out: dict[str, Any] = {}
    for name, value in data.items():
        if name == "caller":
            out[name] = _number(str(value))
        else:
            out[name] = value if name in own else mask_value(value)
    return out


def _number(number: str) -> str:
    if not number:
        return ""
    digits = sum(char.isdigit() for char in number)
    return f"***{number[-2:]}" if digits >= 7 and number[-2:].isdigit() else "***"
