"""What an OpenID Connect provider says of itself (Discovery 1.0), and the keys it signs with."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from parley.errors import Misconfigured, NotAllowed, Unavailable
from parley.security.origin import is_loopback

TIMEOUT_S = 5.0
MAX_BYTES = 512 * 1024
KEPT_S = 3600.0
KEYS_AGAIN_S = 30.0
"""A key that is not known may be a new one: the list is asked for again, but not for each forged token."""
ALGORITHMS = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"))
"""Signatures by a key that only the provider has; never `none`, never by a secret that we have too."""


class Discovery(BaseModel):
    """The parts that are used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """One per process. `issuer`: its address, https (http on this machine only). Raises Misconfigured."""

    def __init__(self, issuer: str, client: httpx.AsyncClient, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer.rstrip("/")
        if not _is_safe(self.issuer):
            raise Misconfigured(f"PARLEY_OIDC_ISSUER: {issuer[:200]!r} must be https://..., or http:// on this machine")
        self._client = client
        self._now = now
        self._lock = asyncio.Lock()
        self._told: tuple[Discovery, float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    async def discovery(self) -> Discovery:
        """Raises Unavailable: it does not answer, or not as a provider does."""
        async with self._lock:
            if self._told is None or self._told[1] + KEPT_S <= self._now():
                said = await self.fetch("GET", f"{self.issuer}/.well-known/openid-configuration")
                self._told = self._understood(said), self._now()
            return self._told[0]

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token signed by the provider says; who it is for is still to be looked at.

        Raises NotAllowed: the signature is not the provider's. Unavailable."""
        allowed = sorted(ALGORITHMS & set((await self.discovery()).id_token_signing_alg_values_supported))
        for again in (False, True):
            keys = await self._key_set(again)
            try:
                return dict(jwt.decode(token, keys, algorithms=allowed).claims)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                reason = type(error).__name__
        raise NotAllowed(f"the provider's token is not signed as it should be ({reason})")

    async def fetch(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        """A JSON object. Raises Unavailable; NotAllowed when the provider refuses what it was asked (4xx)."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream(method, url, follow_redirects=False, **request) as answer,
            ):
                data = bytearray()
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_BYTES:
                        raise Unavailable(f"the OIDC provider answers with more than {MAX_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise Unavailable(f"the OIDC provider does not answer ({type(error).__name__})") from error
        if 400 <= answer.status_code < 500:
            raise NotAllowed(f"the OIDC provider refuses ({answer.status_code} {_error(bytes(data))})")
        if answer.status_code != 200:
            raise Unavailable(f"the OIDC provider answers {answer.status_code}")
        return _object(bytes(data))

    def _understood(self, said: Mapping[str, Any]) -> Discovery:
        try:
            told = Discovery.model_validate(said)
        except ValidationError as error:
            fields = sorted({str(each["loc"][0]) for each in error.errors()})
            raise Unavailable(f"the OIDC provider does not say what it must: {', '.join(fields)}") from None
        if told.issuer.rstrip("/") != self.issuer:
            raise Unavailable(f"the OIDC provider calls itself {told.issuer}; PARLEY_OIDC_ISSUER must be the same")
        for url in (told.authorization_endpoint, told.token_endpoint, told.jwks_uri, told.userinfo_endpoint):
            if url and not _is_safe(url):
                raise Unavailable(f"the OIDC provider names {url[:200]}, which is not https")
        return told

    async def _key_set(self, again: bool) -> KeySet:
        told = await self.discovery()
        async with self._lock:
            age = self._now() - self._keys[1] if self._keys is not None else None
            if self._keys is None or age is None or age > (KEYS_AGAIN_S if again else KEPT_S):
                said = await self.fetch("GET", told.jwks_uri)
                try:
                    keys = KeySet.import_key_set(said)  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError):
                    raise Unavailable("the OIDC provider's keys cannot be read") from None
                self._keys = keys, self._now()
            return self._keys[0]


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the OIDC provider answers no JSON object")
    return found


def _error(data: bytes) -> str:
    """`invalid_grant`, as RFC 6749 has it; nothing else of the answer is told on."""
    try:
        return str(_object(data).get("error", ""))[:60]
    except Unavailable:
        return ""
