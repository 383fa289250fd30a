"""`/api/session`: logging in by name and password or by the one-time link, who is logged in, and leaving."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from parley.errors import NotAllowed
from services.backoffice.access.access import Access
from services.backoffice.access.accounts import is_name
from services.backoffice.access.admission import needs
from services.backoffice.access.cookies import DEVICE, REFUSED, SESSION
from services.backoffice.access.logging_in import CodeNeeded, MustWait, Origin, WrongLogin
from services.backoffice.access.passes import DEVICE_S, LINK
from services.backoffice.access.roles import Kind, Role, Who
from services.backoffice.access.routes.at_the_door import HOME, Refused, at_the_door, refused
from services.backoffice.access.routes.bodies import Body, Code, Me, Name, Password, me
from services.backoffice.access.sessions import guard_of
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.parts import Parts

OPERATOR = "operator"
"""Who comes by the one-time link: somebody who may start the service, or read its key."""


class Oidc(BaseModel):
    name: str = Field(examples=["Example SSO"])
    url: str = Field(examples=["/api/session/oidc"])


class Ways(BaseModel):
    """How one may log in here. `secure` false: nobody may, at this address; TLS is missing. `refused`: why the login
    that this browser tried within the last minute was."""

    local: bool
    oidc: Oidc | None
    secure: bool
    refused: Refused | None = None


class Login(Body):
    name: Name
    password: Password
    code: Code = Field("", description="Of the authenticator, where the account has a second factor")


def router(parts: Parts) -> APIRouter:
    routes, access = APIRouter(prefix="/api/session", tags=["session"]), parts.access

    @routes.get("/ways")
    async def ways(request: Request) -> Ways:
        """How one may log in; nobody needs to be logged in to ask."""
        provider = Oidc(name=access.oidc_name, url=f"{routes.prefix}/oidc") if access.oidc is not None else None
        secure = access.jar.may_log_in(request.scope)
        return Ways(local=provider is None, oidc=provider, secure=secure, refused=refused(access, request))

    @routes.post("/login", response_model=Me, responses=answers(401, 403, 422, 429, 503))
    async def login(request: Request, body: Login) -> Response:
        """Name and password of a local account. 401 with `field` `body.code`: the second factor is missing.

        After five failures in a row of an account from one address the next waits a minute, then two, up to an hour
        (429); a browser that this account has logged in from is counted by itself."""
        if access.oidc is not None:
            raise Problem(403, "accounts are the provider's here", remedy=f"go to {routes.prefix}/oidc")
        check_secure(access, request)
        device = access.jar.get(request.scope, request.cookies, DEVICE)
        origin = Origin(access.jar.proxies.client(request.scope), device)
        try:
            account = await access.logins.enter(body.name, body.password, body.code, origin)
        except CodeNeeded as error:
            raise Problem(
                401, "this account has a second factor", field="body.code", remedy="give the code that is shown now"
            ) from error
        except WrongLogin as error:
            await parts.access.note("", "login.failed", shown_name(body.name), {"address": origin.address})
            raise Problem(401, "name, password or code do not fit", field="body", remedy="try again") from error
        except MustWait as error:
            seconds = math.ceil(error.wait_s)
            raise Problem(
                429,
                "too many logins of this account failed from here",
                remedy=f"try again after {seconds} s",
                headers={"Retry-After": str(seconds)},
            ) from error
        answer, told = await entered(parts, request, account.name, "person", account.role)
        access.jar.put(request.scope, answer, DEVICE, access.logins.device(account.name), DEVICE_S)
        shown = me(Who(account.name, account.role, "person", account.number), told, totp=account.totp)
        answer.body = answer.render(shown.model_dump())
        answer.headers["content-length"] = str(len(answer.body))
        return answer

    @routes.get("/once", include_in_schema=False)
    async def once(request: Request, link: str = "") -> Response:
        """The one-time link: it logs in as an admin, once, and leads to the console."""
        return await at_the_door(access, request, _once(request, link))

    async def _once(request: Request, link: str) -> Response:
        check_secure(access, request)
        try:
            await access.logins.redeem(link, LINK)
        except NotAllowed as error:
            address = access.jar.proxies.client(request.scope)
            await parts.access.note("", "login.failed", "a one-time link", {"address": address})
            raise Problem(403, str(error), field="query.link", remedy="`parley user link` makes a new one") from error
        answer = RedirectResponse(HOME, 303)
        await entered(parts, request, OPERATOR, "link", "admin", answer)
        return answer

    @routes.get("/me", responses=answers(401))
    async def is_here(request: Request, who: Annotated[Who, Depends(needs("viewer"))]) -> Me:
        """Who is logged in, and the token that changes carry."""
        token = access.jar.get(request.scope, request.cookies, SESSION)
        totp = who.kind == "person" and await access.accounts.second_factor.is_on(who.name)
        return me(who, guard_of(token) if token else "", totp=totp)

    @routes.post("/leave", status_code=204, responses=answers(401, 403))
    async def leave(request: Request, who: Annotated[Who, Depends(needs("viewer"))]) -> Response:
        """This session ends."""
        await access.sessions.end(who.session, who.name)
        await parts.access.note(who.name, "logout", who.name, {})
        answer = Response(status_code=204)
        access.jar.drop(request.scope, answer, SESSION)
        return answer

    return routes


def shown_name(text: str) -> str:
    """What was tried as a name; somebody may have typed a password there."""
    return text if is_name(text) else "no name"


def check_secure(access: Access, request: Request) -> None:
    """Raises Problem: a password or a session would go over the network for all to read."""
    if not access.jar.may_log_in(request.scope):
        raise Problem(
            403,
            "logging in needs TLS here",
            remedy="come by https (PARLEY_BACKOFFICE_URL, PARLEY_TRUSTED_PROXIES), or by http://localhost",
        )


async def entered(
    parts: Parts, request: Request, name: str, kind: Kind, role: Role, answer: Response | None = None
) -> tuple[Response, str]:
    """A new session, its cookie in the answer, and what changes must carry. A session that was there ends."""
    access = parts.access
    before = await access.admission.who(request)
    if before is not None and before.kind != "key":
        await access.sessions.end(before.session, before.name)
    address = access.jar.proxies.client(request.scope)
    token = await access.sessions.begin(name, kind, role, address, request.headers.get("user-agent", ""))
    answer = answer or JSONResponse({})
    access.jar.put(request.scope, answer, SESSION, token, access.life_s)
    if refused(access, request) is not None:
        access.jar.drop(request.scope, answer, REFUSED)
    await parts.access.note(name, "login", name, {"address": address})
    return answer, guard_of(token)
