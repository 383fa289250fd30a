"""What stands before every path of backoffice, so that no route can forget it.

- An address asks so often and no more (`parley.limits`); /api/ only, files are cheap.
- A change with a session's cookie comes from our own page: `Origin` and `Sec-Fetch-Site` say so, and `X-CSRF-Token`.
- Every answer says what a browser may do with it: no script or style but our own files, no frames.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

from parley.limits.client import Scope
from parley.limits.refusal import PROBLEM, in_words, refuse
from parley.limits.rules import Window
from parley.limits.sharing import Sharing
from parley.limits.table import Table
from parley.settings import Settings
from services.backoffice.access.cookies import SESSION, Jar, netloc_of
from services.backoffice.access.scopes import READING
from services.backoffice.access.sessions import guard_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(), camera=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"
NO_SESSION = frozenset(("/api/session/login",))
"""Changes that are made before there is a session."""


class Guard:
    """One per process; `around` an application."""

    def __init__(self, settings: Settings, jar: Jar, now: Callable[[], float] = time.monotonic) -> None:
        self._jar = jar
        self._local = settings.limit_local
        self._now = now
        self._api = Table("api", None)
        self.limit(settings)
        self.sharing = Sharing("backoffice", [self._api])

    def limit(self, settings: Settings) -> None:
        """From now on by these; what addresses have taken stays."""
        self._api.rule = Window(settings.api_per_minute, 60.0) if settings.api_per_minute else None

    def around(self, inside: App) -> App:
        """`inside` with this before it; for `FastAPI.add_middleware`, too."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await inside(scope, receive, send)
                return
            told = self._with_headers(scope, send)
            if wait := self._wait(scope):
                await refuse(told, wait, in_words(wait), PROBLEM)
            elif fault := self._fault(scope):
                await _refuse(told, fault)
            else:
                await inside(scope, receive, told)

        return guarded

    def _wait(self, scope: Scope) -> float:
        if not scope["path"].startswith("/api/") or not (self._local or not self._jar.proxies.is_here(scope)):
            return 0.0
        return self._api.take(self._jar.proxies.client(scope), self._now())

    def _fault(self, scope: Scope) -> str:
        """Why a change is not taken; empty: it is. A key in `Authorization` is sent by no browser by itself."""
        headers = Headers(scope=scope)
        if scope["method"] in READING or "authorization" in headers:
            return ""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Sec-Fetch-Site: the change comes from another site"
        origin = headers.get("origin")
        if origin is not None and origin != self._jar.origin(scope) and not self._is_own(origin, scope):
            return "Origin: the change comes from another site"
        token = self._jar.get(scope, cookie_parser(headers.get("cookie", "")), SESSION)
        if not token or scope["path"] in NO_SESSION:
            return ""
        if not hmac.compare_digest(headers.get("x-csrf-token", "").encode(), guard_of(token).encode()):
            return "X-CSRF-Token: missing or not the one of this session"
        return ""

    def _is_own(self, origin: str, scope: Scope) -> bool:
        return origin.partition("://")[2] == netloc_of(scope)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                if self._jar.is_secure(scope):
                    headers.setdefault("Strict-Transport-Security", HSTS)
                message["headers"] = headers.raw
            await send(message)

        return told


async def _refuse(send: Send, fault: str) -> None:
    field, _, detail = fault.partition(": ")
    body = {
        "type": "https://parley.dev/problems/not-allowed",
        "title": "This needs another role or right",
        "status": 403,
        "detail": detail,
        "field": f"header.{field}",
        "remedy": "use the console's own page; it asks `GET /api/session/me` for the token. Programs use an API key",
    }
    headers = [(b"content-type", PROBLEM.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})
