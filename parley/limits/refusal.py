"""429 with `Retry-After`, straight on ASGI: a refusal must cost less than what it refuses."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON, PROBLEM = "application/json", "application/problem+json"


def retry_after(wait_s: float) -> str:
    """Whole seconds, at least one (RFC 9110, 10.2.3)."""
    return str(max(1, math.ceil(wait_s)))


def in_words(wait_s: float) -> dict[str, Any]:
    """The body for clients of an API that speaks RFC 9457."""
    return {
        "type": "https://parley.dev/problems/too-many-requests",
        "title": "Too many requests",
        "status": 429,
        "detail": "this address asks too often",
        "field": "",
        "remedy": f"ask again after {retry_after(wait_s)} s",
    }


async def refuse(
    send: Send, wait_s: float, body: dict[str, Any], media_type: str = JSON, *, upgrade: bool = False
) -> None:
    """The whole answer. `upgrade`: to a WebSocket's (its extension `websocket.http.response`)."""
    kind = "websocket.http.response" if upgrade else "http.response"
    headers = [
        (b"content-type", media_type.encode()),
        (b"retry-after", retry_after(wait_s).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": f"{kind}.start", "status": 429, "headers": headers})
    await send({"type": f"{kind}.body", "body": orjson.dumps(body)})
