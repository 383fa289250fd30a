"""Cookies of the console. Pure.

Over TLS they are `__Host-` cookies: no other host and no plain connection can set or read them. Browsers take these
with `Secure` only, so a console at `http://localhost` has them without the prefix; elsewhere nobody logs in without
TLS.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import Response

from parley.limits.client import Proxies, Scope
from parley.security.origin import is_loopback

SESSION, DEVICE, PROVIDER, REFUSED = "parley", "parley-device", "parley-oidc", "parley-refused"


class Jar:
    """`public_url`: how browsers reach the console, by setting; empty: as they ask."""

    def __init__(self, proxies: Proxies, public_url: str) -> None:
        self.proxies = proxies
        self._public = public_url.rstrip("/")

    def is_secure(self, scope: Scope) -> bool:
        return self._public.startswith("https://") or self.proxies.is_https(scope)

    def may_log_in(self, scope: Scope) -> bool:
        """Over TLS, or at this machine by a name that is its own: another site's name may lead here, too."""
        return self.is_secure(scope) or is_loopback(host_of(scope))

    def origin(self, scope: Scope) -> str:
        """`https://console.example.com`, as the browser's address line has it."""
        return self._public or f"{'https' if self.is_secure(scope) else 'http'}://{netloc_of(scope)}"

    def get(self, scope: Scope, cookies: Mapping[str, str], name: str) -> str:
        return cookies.get(self._named(scope, name), "")

    def put(self, scope: Scope, answer: Response, name: str, value: str, life_s: float) -> None:
        answer.set_cookie(
            self._named(scope, name),
            value,
            max_age=round(life_s),
            path="/",
            secure=self.is_secure(scope),
            httponly=True,
            samesite="lax",
        )

    def drop(self, scope: Scope, answer: Response, name: str) -> None:
        self.put(scope, answer, name, "", 0)

    def _named(self, scope: Scope, name: str) -> str:
        return f"__Host-{name}" if self.is_secure(scope) else name


def netloc_of(scope: Scope) -> str:
    """Host and port as the browser asked."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def host_of(scope: Scope) -> str:
    """Empty: what was asked for is no host."""
    try:
        return urlsplit(f"//{netloc_of(scope)}").hostname or ""
    except ValueError:
        return ""
