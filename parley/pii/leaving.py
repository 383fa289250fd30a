"""Personal data in what a process tells of itself: the fields of a log line, the attributes of a span. Pure.

A field whose name has a `pii` segment holds personal data by itself: it leaves as its length. All other texts are
looked at. Addresses inside an installation stay: they name machines, and whoever operates them needs to know which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from ipaddress import ip_address, ip_network
from typing import Any

from parley.pii.finding import find
from parley.pii.kinds import Span
from parley.pii.masking import MAX_DEPTH, masked

PLAIN = frozenset(("level", "timestamp", "service", "call_id", "traceparent", "agent", "engine", "code", "logger"))
"""Fields that Parley fills itself, and never with what somebody said."""
_INSIDE = [
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/127", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip
Told = Callable[[str], None]
"""Is told the kind of each thing that was masked."""


def leaving(fields: MutableMapping[str, Any], told: Told = lambda kind: None) -> MutableMapping[str, Any]:
    """The same mapping, its values fit to leave the process."""
    for key, value in fields.items():
        if "pii" in key.split("_"):
            fields[key] = f"<{len(str(value))} characters>"
        elif key not in PLAIN and isinstance(value, str | list | tuple | Mapping):
            fields[key] = _value(value, told)
    return fields


def _value(value: Any, told: Told, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _text(value, told)
    if isinstance(value, Mapping | list | tuple) and depth >= MAX_DEPTH:
        return "[deep]"
    if isinstance(value, Mapping):
        return {key: _value(each, told, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each, told, depth + 1) for each in value]
    return value


def _text(text: str, told: Told) -> str:
    spans = [span for span in find(text) if not _is_inside(text, span)]
    if not spans:
        return text
    for span in spans:
        told(span.kind)
    return masked(text, spans)


def _is_inside(text: str, span: Span) -> bool:
    """An address of this machine, or of a network that is nobody's."""
    if span.kind != "ip":
        return False
    try:
        address = ip_address(text[span.start : span.end])
    except ValueError:
        return False
    return any(address.version == net.version and address in net for net in _INSIDE)
