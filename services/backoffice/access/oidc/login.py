"""One login at the provider: the way there, and who came back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from parley.errors import NotAllowed
from services.backoffice.access.oidc.provider import Discovery, Provider
from services.backoffice.access.oidc.roles import ClaimedRoles
from services.backoffice.access.passes import PROVIDER, PROVIDER_S, Passes
from services.backoffice.access.roles import Role

SCOPE = "openid profile email"
LEEWAY_S = 60.0
"""That two clocks may differ."""
OLDEST_S = 600.0
"""A token that was issued before the login began, by more than that, is not of this login."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who came back. `name`: what the provider shows for them."""

    name: str
    role: Role
    subject: str


class OidcLogin:
    """One per process. `client_secret` empty: a public client, which PKCE alone protects."""

    def __init__(
        self,
        provider: Provider,
        client_id: str,
        client_secret: str,
        roles: ClaimedRoles,
        passes: Passes,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._client_id = client_id
        self._secret = client_secret
        self._roles = roles
        self._passes = passes
        self._now = now

    async def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where the browser goes, and what it keeps in a cookie until it is back. Raises Unavailable."""
        told = await self._provider.discovery()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in told.authorization_endpoint else "?"
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "redirect": redirect_uri}
        cookie = self._passes.issue(PROVIDER, kept, PROVIDER_S)
        return f"{told.authorization_endpoint}{joint}{urlencode(query)}", cookie

    async def finish(self, query: Mapping[str, str], kept: Mapping[str, str]) -> Person:
        """`kept`: what the cookie said. Raises NotAllowed: not the answer to the login that this browser began, or
        nobody of us. Unavailable."""
        if not hmac.compare_digest(query.get("state", "").encode(), kept["state"].encode()):
            raise NotAllowed("state: this is not the answer to the login that this browser began; log in again")
        told = await self._provider.discovery()
        issuer = query.get("iss", "")
        if (issuer or told.authorization_response_iss_parameter_supported) and issuer != told.issuer:
            raise NotAllowed("iss: another provider answers than the one that is configured; log in again")
        if error := query.get("error", ""):
            raise NotAllowed(f"the provider says: {error[:60]}; log in again, or ask whoever runs the provider")
        tokens = await self._exchange(told, query.get("code", ""), kept)
        claims = await self._provider.claims(str(tokens.get("id_token", "")))
        self._check(told, claims, kept["nonce"])
        if not self._roles.values(claims):
            claims = await self._with_userinfo(told, claims, str(tokens.get("access_token", "")))
        role, name = self._roles.role(claims), _name(claims)
        if role is None:
            raise NotAllowed(
                f"{name[:60]} has no role here; ask an admin: PARLEY_OIDC_ROLES says which the provider's stand for"
            )
        return Person(name, role, str(claims["sub"]))

    async def _exchange(self, told: Discovery, code: str, kept: Mapping[str, str]) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": kept["redirect"],
            "code_verifier": kept["verifier"],
        }
        headers = {"Accept": "application/json"}
        if not self._secret:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in told.token_endpoint_auth_methods_supported:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        return await self._provider.fetch("POST", told.token_endpoint, data=form, headers=headers)

    def _check(self, told: Discovery, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core 1.0, 3.1.3.7."""
        now, audience = self._now(), claims.get("aud")
        several = audience if isinstance(audience, list) else [audience]
        party = claims.get("azp", self._client_id if len(several) == 1 else "")
        right = {
            "iss": claims.get("iss") == told.issuer,
            "aud": self._client_id in several,
            "azp": party == self._client_id,
            "exp": _time(claims.get("exp")) + LEEWAY_S > now,
            "iat": now - OLDEST_S <= _time(claims.get("iat")) <= now + LEEWAY_S,
            "nonce": hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()),
            "sub": isinstance(claims.get("sub"), str) and bool(claims["sub"]),
        }
        if wrong := [name for name, fits in right.items() if not fits]:
            raise NotAllowed(f"{wrong[0]}: the provider's token is not for this login; log in again")

    async def _with_userinfo(self, told: Discovery, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Some providers say roles there only."""
        if not told.userinfo_endpoint or not access_token:
            return claims
        bearer = {"Authorization": f"Bearer {access_token}"}
        more = await self._provider.fetch("GET", told.userinfo_endpoint, headers=bearer)
        if more.get("sub") != claims["sub"]:
            raise NotAllowed("sub: what the provider says of the person is of somebody else; log in again")
        return {**more, **claims}


def _time(value: object) -> float:
    """Seconds since 1970; what is none is long ago."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _name(claims: Mapping[str, Any]) -> str:
    for claim in ("preferred_username", "email", "name", "sub"):
        if isinstance(found := claims.get(claim), str) and found.strip():
            return found.strip()[:200]
    return "somebody"
