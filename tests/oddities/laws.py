"""What holds for every request to a model, whatever was sent before."""

from __future__ import annotations

import json
import re
from typing import Any


def broken_laws(bodies: list[dict[str, Any]]) -> list[str]:
    """In words; of each request: calls and results belong together, and a strict server could read them."""
    return [f"request {n}: {said}" for n, body in enumerate(bodies, 1) for said in _of(body["messages"])]


def _of(messages: list[dict[str, Any]]) -> list[str]:
    said: list[str] = []
    waiting: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            call = waiting.pop(message["tool_call_id"], None)
            said += ["a result of no call"] if call is None else _mixed_up(call, message["content"])
            continue
        said += [f"{call['function']['name']} has no result" for call in waiting.values()]
        waiting = {}
        for call in message.get("tool_calls") or ():
            said += [] if call["id"] and call["id"] not in seen else [f"the id {call['id']!r} stands twice"]
            seen.add(call["id"])
            waiting[call["id"]] = call
            said += [] if _is_object(call["function"]["arguments"]) else ["arguments that are no object"]
    return said + [f"{call['function']['name']} has no result" for call in waiting.values()]


def _is_object(arguments: Any) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (TypeError, ValueError):
        return False


def _mixed_up(call: dict[str, Any], result: str) -> list[str]:
    """An order's number stands in the call and in its result."""
    asked = re.search(r'"order": ?"?(\d+)', str(call["function"]["arguments"]))
    given = re.search(r'\\?"order\\?": ?(\d+)', result)
    return [f"order {asked[1]} was told of {given[1]}"] if asked and given and asked[1] != given[1] else []
