"""Logins that a browser makes by following links: one that is refused is told on the login page, with what to do."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from parley.errors import NotAllowed, ParleyError
from services.backoffice.access.access import Access
from services.backoffice.access.cookies import REFUSED as COOKIE
from services.backoffice.access.passes import REFUSED, REFUSED_S
from services.backoffice.api.requests.problems import Problem, of_error

HOME = "/admin"
MAX_CHARS = 160
"""Of each of the two sentences: they travel in a cookie."""


class Refused(BaseModel):
    """Why the login that this browser has just tried was refused."""

    detail: str = Field(examples=["bob has no role here"])
    remedy: str = Field(examples=["ask an admin for one"])


async def at_the_door(access: Access, request: Request, login: Awaitable[Response]) -> Response:
    """A program that asks gets the problem itself. Raises Problem, ParleyError."""
    try:
        return await login
    except (Problem, ParleyError) as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        problem = error if isinstance(error, Problem) else of_error(error)
    remedy = problem.remedy or "try again; if it stays so, tell whoever runs Parley"
    told = Refused(detail=problem.detail[:MAX_CHARS], remedy=remedy[:MAX_CHARS])
    answer = RedirectResponse(HOME, 303)
    # Signed: else any link could have the login page say something.
    access.jar.put(request.scope, answer, COOKIE, access.passes.issue(REFUSED, told.model_dump(), REFUSED_S), REFUSED_S)
    return answer


def refused(access: Access, request: Request) -> Refused | None:
    """What this browser is to be told."""
    kept = access.jar.get(request.scope, request.cookies, COOKIE)
    if not kept:
        return None
    try:
        said = access.passes.read(kept, REFUSED)
    except NotAllowed:
        return None
    return Refused(detail=said["detail"], remedy=said["remedy"])
