"""How a server elsewhere is reached: an HTTP client whose answers are bounded, and which says what was not sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx2
import orjson

NOT_SENT = -31_901
LOST = -31_902
"""Codes of ours in the place of an answer: nobody was reached; the connection broke off."""
MAX_ANSWER_BYTES = 4 << 20
CONNECT_S = 5.0
READ_S = 330.0  # longer than any tool may take
LEAVE_S = 2.0
_KINDS = ("application/json", "text/event-stream")
_UNREACHED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class BoundedClient(httpx2.AsyncClient):
    """Errors of the connection come back as errors of the protocol: only the request that had one ends."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        limits = httpx2.Timeout(READ_S, connect=CONNECT_S, pool=CONNECT_S, write=CONNECT_S)
        identity = {"Accept-Encoding": "identity"}
        super().__init__(headers={**identity, **headers}, timeout=limits, follow_redirects=False)
        self.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        if request.method == "DELETE":  # the goodbye of a session
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), LEAVE_S)
        try:
            response = await super().send(request, **options)
        except _UNREACHED:
            return _failure(request, NOT_SENT)
        except httpx2.TransportError:
            return _failure(request, LOST)
        if response.status_code == 404 and "mcp-session-id" in request.headers:
            return await _instead(response, NOT_SENT)  # it was started anew, and knows nothing of us
        packed = response.headers.get("content-encoding", "identity").lower() != "identity"
        if packed or (response.status_code == 200 and _kind(response) not in _KINDS):
            return await _instead(response, LOST)
        if not response.is_closed:
            response.stream = _Bounded(response.stream)
        return response


async def _instead(response: httpx2.Response, code: int) -> httpx2.Response:
    await response.aclose()
    return _failure(response.request, code)


def _kind(response: httpx2.Response) -> str:
    kind: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind


def _failure(request: httpx2.Request, code: int) -> httpx2.Response:
    body = orjson.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "no answer"}})
    return httpx2.Response(503, content=body, headers={"Content-Type": "application/json"}, request=request)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.StreamError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
