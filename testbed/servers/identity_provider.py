"""A stand-in for an OpenID Connect provider, over real HTTP: discovery, keys, authorization code with PKCE, userinfo.

async with IdentityProvider() as provider:
    provider.people["ada"] = {"roles": ["admin"], "email": "ada@example.com"}
    provider.at_the_desk = "ada"            # who sits at the browser; the page of consent is skipped
    ...                                     # PARLEY_OIDC_ISSUER=provider.issuer, client `parley`, secret `s3cret`
    provider.claims = {"nonce": "another"}  # from now on these stand in the tokens, right or wrong
    provider.new_key()                      # as when a provider changes its keys
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

CLIENT, SECRET = "parley", "s3cret"


class IdentityProvider:
    """`asked`: paths in the order in which they were asked for."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.at_the_desk = ""
        self.claims: dict[str, Any] = {}
        self.in_userinfo: dict[str, Any] = {}
        self.discovered: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.asked: list[str] = []
        self.issuer = ""
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}
        self.new_key()

    def new_key(self) -> None:
        """The old one is gone."""
        kid: KeyParameters = {"kid": secrets.token_hex(4)}
        self._key: RSAKey | ECKey = (
            ECKey.generate_key("P-256", kid) if self.algorithm == "ES256" else RSAKey.generate_key(2048, kid)
        )

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._note])
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "id_token_signing_alg_values_supported": [self.algorithm],
                "authorization_response_iss_parameter_supported": True,
                **self.discovered,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False, use="sig", alg=self.algorithm)]})

    async def _authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or not query.get("code_challenge"):
            return web.Response(status=400, text="not a request for a code with PKCE")
        back = {"state": query["state"], "iss": self.issuer}
        if self.at_the_desk:
            code = secrets.token_urlsafe(16)
            self._codes[code] = {**query, "person": self.at_the_desk}
            back["code"] = code
        else:
            back["error"] = "access_denied"
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        posted = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if request.headers.get("Authorization") != f"Basic {basic}" and not posted:
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self._codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
            or form.get("grant_type") != "authorization_code"
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token, now = secrets.token_urlsafe(16), int(time.time())
        self._tokens[token] = asked["person"]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": f"id-{asked['person']}",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": asked["person"],
            **self.people.get(asked["person"], {}),
            **self.claims,
        }
        header = {"alg": self.algorithm, "kid": self._key.kid}
        return web.json_response(
            {"access_token": token, "token_type": "Bearer", "id_token": jwt.encode(header, claims, self._key)}
        )

    async def _userinfo(self, request: web.Request) -> web.Response:
        person = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if person is None:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sub": f"id-{person}", **self.in_userinfo})
