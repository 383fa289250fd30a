"""What the desk's tools have really done, by call."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

DONE: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)


def write(call_id: str, tool: str, **arguments: Any) -> None:
    DONE[call_id].append((tool, arguments))
