"""`/api/session/oidc`: to the provider, and back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from parley.errors import NotAllowed, ParleyError
from services.backoffice.access.cookies import PROVIDER as COOKIE
from services.backoffice.access.oidc.login import OidcLogin, Person
from services.backoffice.access.passes import PROVIDER, PROVIDER_S
from services.backoffice.access.routes.at_the_door import HOME, at_the_door
from services.backoffice.access.routes.session import check_secure, entered
from services.backoffice.api.requests.problems import Problem
from services.backoffice.parts import Parts

BACK = "/api/session/oidc/back"
"""What is to be entered at the provider as the redirect URI, behind the console's address."""


def router(parts: Parts) -> APIRouter:
    routes, access = APIRouter(prefix="/api/session/oidc", tags=["session"], include_in_schema=False), parts.access

    @routes.get("")
    async def begin(request: Request) -> Response:
        """To the provider."""
        return await at_the_door(access, request, _begin(request))

    @routes.get("/back")
    async def back(request: Request) -> Response:
        """From the provider; to the console when it knows the person and the person has a role."""
        return await at_the_door(access, request, _back(request))

    async def _begin(request: Request) -> Response:
        provider = _configured(access.oidc)
        check_secure(access, request)
        url, kept = await provider.begin(access.jar.origin(request.scope) + BACK)
        answer = RedirectResponse(url, 303)
        access.jar.put(request.scope, answer, COOKIE, kept, PROVIDER_S)
        return answer

    async def _back(request: Request) -> Response:
        provider = _configured(access.oidc)
        check_secure(access, request)
        try:
            person = await _person(provider, request)
        except ParleyError as error:
            await access.note("", "login.failed", "oidc", {"why": str(error)})
            raise
        answer = RedirectResponse(HOME, 303)
        await entered(parts, request, person.name, "oidc", person.role, answer)
        access.jar.drop(request.scope, answer, COOKIE)
        return answer

    async def _person(provider: OidcLogin, request: Request) -> Person:
        kept = access.jar.get(request.scope, request.cookies, COOKIE)
        if not kept:
            minutes = round(PROVIDER_S / 60)
            raise NotAllowed(f"this browser began no login within the last {minutes} minutes; log in again")
        try:
            begun = await access.logins.redeem(kept, PROVIDER)
        except NotAllowed as error:
            raise NotAllowed(f"{error}; log in again") from error
        return await provider.finish(request.query_params, begun)

    return routes


def _configured(provider: OidcLogin | None) -> OidcLogin:
    if provider is None:
        raise Problem(404, "no provider is configured", remedy="set PARLEY_OIDC_ISSUER, or log in by name and password")
    return provider
