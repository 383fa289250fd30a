"""What is sent to the API is read before anybody looks at it: of a bounded size, within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.backoffice.api.requests.problems import Problem

MOST = 64 * 1024
WITHIN_S = 10.0
_BODYLESS = frozenset(("GET", "HEAD", "OPTIONS"))


def around(inside: ASGIApp) -> ASGIApp:
    """`inside` with its requests' bodies read. For `FastAPI.add_middleware`."""

    async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _BODYLESS:
            await inside(scope, receive, send)
            return
        try:
            body = await read(receive)
        except Problem as problem:
            await problem.response()(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await inside(scope, again(body, receive), send)

    return bounded


async def read(receive: Receive) -> bytes:
    """Raises Problem (413, 408), ClientDisconnect."""
    found = bytearray()
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                found += message.get("body", b"")
                if len(found) > MOST:
                    remedy = f"send at most {MOST} bytes"
                    raise Problem(413, f"the body has more than {MOST} bytes", field="body", remedy=remedy)
                if not message.get("more_body", False):
                    return bytes(found)
    except TimeoutError:
        raise Problem(
            408, f"the body did not come within {WITHIN_S:g} s", field="body", remedy="send it again"
        ) from None


def again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """What was read, as if it came now."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once
