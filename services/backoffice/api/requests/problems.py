"""Errors as `application/problem+json` (RFC 9457): what is wrong, with which field, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from parley import errors
from parley.errors import ParleyError

log = structlog.get_logger()

KIND = "application/problem+json"
BASE = "https://parley.dev/problems/"
_FIELD = re.compile(r"([A-Za-z_][\w.\[\]-]{0,80}): (.+)", re.DOTALL)
_TITLES = {
    "bad-input": "The request cannot be taken",
    "not-found": "There is no such thing",
    "sign-in": "Sign in first",
    "not-allowed": "This needs another role or right",
    "no-such-method": "This path does not know that method",
    "too-slow": "The request came too slowly",
    "conflict": "It stands otherwise by now",
    "other-body": "This key was used with another body",
    "too-large": "The request is too large",
    "too-many-requests": "Too many requests",
    "unavailable": "It cannot be done at this moment",
    "internal": "Something is wrong with the service",
}
_KINDS = {
    400: "bad-input",
    401: "sign-in",
    403: "not-allowed",
    408: "too-slow",
    404: "not-found",
    405: "no-such-method",
    409: "conflict",
    413: "too-large",
    422: "bad-input",
    429: "too-many-requests",
    503: "unavailable",
}
_STATUS: tuple[tuple[type[ParleyError], int], ...] = (
    (errors.BadInput, 422),
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.Superseded, 409),
    (errors.NotAllowed, 403),
    (errors.AtCapacity, 503),
    (errors.Unavailable, 503),
    (errors.TooLate, 503),
    (errors.NotBuilt, 501),
)
NO_RETRY_S = "5"
"""What a client is told to wait where the service cannot know better."""


class ProblemBody(BaseModel):
    """As it is sent. `field`: `query.limit`, `body.to`, `path.call_id`, `header.…`, or the name of a setting."""

    type: str = Field(examples=[f"{BASE}bad-input"])
    title: str = Field(examples=["The request cannot be taken"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["must be less than or equal to 200"])
    field: str = Field(examples=["query.limit"])
    remedy: str = Field(examples=["give a number of at most 200"])


class Problem(Exception):
    """An answer that is an error. `kind` is the last part of its type; `headers` go with it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str = "",
        remedy: str = "",
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.remedy = status, detail, field, remedy
        self.kind = kind or _KINDS.get(status, "internal" if status >= 500 else "bad-input")
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        body = ProblemBody(
            type=f"{BASE}{self.kind}",
            title=_TITLES[self.kind],
            status=self.status,
            detail=self.detail,
            field=self.field,
            remedy=self.remedy,
        )
        return JSONResponse(body.model_dump(), self.status, headers=self.headers, media_type=KIND)


def of_error(error: ParleyError) -> Problem:
    """One of ours. Its message is `field: what is wrong; what to do`, as far as it has these parts."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    text = str(error)
    field, remedy = "", ""
    if (found := _FIELD.fullmatch(text)) is not None:
        field, text = found.groups()
    if status < 500:
        text, _, remedy = text.partition("; ")
    headers = {"Retry-After": NO_RETRY_S} if status == 503 else {}
    return Problem(status, text, field=field, remedy=remedy, headers=headers)


def of_validation(error: RequestValidationError) -> Problem:
    """The first field that is wrong; how many more there are stands behind it."""
    found = error.errors()
    first: dict[str, Any] = dict(found[0]) if found else {}
    where = ".".join(str(part) for part in first.get("loc", ()))
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return Problem(422, f"{first.get('msg', 'it cannot be read')}{more}", field=where, remedy=_remedy(first))


def _remedy(error: Mapping[str, Any]) -> str:
    kind, limits = str(error.get("type", "")), error.get("ctx") or {}
    if kind == "missing":
        return "give it"
    if kind == "extra_forbidden":
        return "leave it out"
    if kind in ("json_invalid", "model_attributes_type", "dict_type"):
        return "send a body of JSON, as application/json"
    if limits:
        told = ", ".join(f"{name} {value}" for name, value in limits.items() if name != "error")
        return f"allowed: {told}" if told else "see /api/openapi.json"
    return "see /api/openapi.json"


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route or router: each of these is a problem."""
    content = {KIND: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": _TITLES[_KINDS[status]], "content": content} for status in statuses}


EVERYWHERE = answers(400, 401, 403, 404, 405, 409, 413, 422, 429, 503)
"""What any path of the API may answer."""


def install(app: FastAPI) -> None:
    """Every error of `app` is told as a problem from now on."""

    @app.exception_handler(Problem)
    async def own(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(ParleyError)
    async def parleys(_: Request, error: ParleyError) -> JSONResponse:
        problem = of_error(error)
        if problem.status >= 500:
            log.warning("a request could not be answered", error=str(error))
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return of_validation(error).response()

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        remedy = {404: "see docs/api.md for the paths", 405: "see docs/api.md for the methods"}.get(
            error.status_code, ""
        )
        headers = dict(error.headers or {})
        return Problem(error.status_code, str(error.detail), remedy=remedy, headers=headers).response()

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("a request broke", path=request.url.path, error=type(error).__name__, exc_info=error)
        return Problem(500, "the service's log names it", remedy="try again; if it stays, look at the log").response()
