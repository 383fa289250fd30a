"""Requests on their way, and as much of the answer as is wanted.

Only the origin of the request is ever spoken to: redirects that lead elsewhere are not followed, and cookies are not
kept. An answer is read up to a bound, and not unpacked: a few kilobytes can unpack to gigabytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import httpx

from services.tools.http.request import Request

MAX_ANSWER_BYTES = 256 * 1024
MAX_REDIRECTS = 3
MAX_CONNECTIONS = 50
CONNECT_S = 5.0
KEEPALIVE_S = 4.0
AGENT = "parley"


class NotSent(Exception):
    """Nobody was reached: nothing can have happened there."""


class Lost(Exception):
    """It was sent, or may have been, and no answer came. `late`: the time was over."""

    def __init__(self, late: bool) -> None:
        super().__init__("late" if late else "lost")
        self.late = late


@dataclass(frozen=True, slots=True)
class Answer:
    """`too_large`: more than MAX_ANSWER_BYTES, `packed`: compressed although that was not asked for; then no `body`."""

    status: int
    kind: str
    body: bytes
    retry_after_s: float = 0.0
    too_large: bool = False
    packed: bool = False


class Web:
    """The HTTP clients of one service process. `close` it on the loop it was used on."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def send(self, request: Request, timeout_s: float, repeatable: bool) -> Answer:
        """One try, redirects within the origin included. Raises NotSent, Lost."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow(request, timeout_s, repeatable)
        except TimeoutError:
            raise Lost(late=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as e:
            raise NotSent(type(e).__name__) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as e:
            raise Lost(late=isinstance(e, httpx.TimeoutException)) from None

    async def _follow(self, request: Request, timeout_s: float, repeatable: bool) -> Answer:
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = await self._once(request, url, timeout_s, repeatable)
            followed = answer.status in (307, 308) or (answer.status in (301, 302, 303) and request.method == "GET")
            if not (followed and location and _origin(target := urljoin(url, location)) == _origin(url)):
                return answer
            url = target
        return answer

    async def _once(self, request: Request, url: str, timeout_s: float, repeatable: bool) -> tuple[Answer, str]:
        connect_s = min(CONNECT_S, 0.8 * timeout_s)
        limits = httpx.Timeout(None, connect=connect_s, pool=connect_s)
        headers = {"Accept-Encoding": "identity", "User-Agent": AGENT, "Accept": "application/json, text/plain;q=0.5"}
        client = self._client(repeatable)
        asked = client.build_request(
            request.method, url, headers={**headers, **request.headers}, content=request.content, timeout=limits
        )
        response = await client.send(asked, stream=True)
        try:
            return await _read(response), response.headers.get("location", "")
        finally:
            await response.aclose()

    def _client(self, repeatable: bool) -> httpx.AsyncClient:
        """What may be sent again goes over connections that are kept. What may not goes over a new one: a server that
        closes an old one at the same moment leaves it unknown whether the request was taken."""
        if repeatable not in self._clients:
            kept = MAX_CONNECTIONS if repeatable else 0
            limits = httpx.Limits(
                max_connections=MAX_CONNECTIONS, max_keepalive_connections=kept, keepalive_expiry=KEEPALIVE_S
            )
            client = self._clients[repeatable] = httpx.AsyncClient(limits=limits, follow_redirects=False)
            client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._clients[repeatable]


async def _read(response: httpx.Response) -> Answer:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    after_s = _seconds(response.headers.get("retry-after", ""))
    packed = response.headers.get("content-encoding", "identity").strip().lower() not in ("identity", "")
    if packed or not response.is_success:  # what an error says in its body goes to nobody
        return Answer(response.status_code, kind, b"", after_s, packed=packed)
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            return Answer(response.status_code, kind, b"", after_s, too_large=True)
    return Answer(response.status_code, kind, bytes(body), after_s)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0.0


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None
