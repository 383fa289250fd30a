"""`/api/openapi.json`: the API as machines read it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi

from services.backoffice.access import needs
from services.backoffice.api.requests.once import NOT_HERE
from services.backoffice.api.requests.problems import ProblemBody, answers

TITLE = "Parley: the operators' API"
ABOUT = "Calls on record, calls that are up, statistics, and what may be done to calls. In words: docs/api.md."
SECURITY = {"key": {"type": "http", "scheme": "bearer", "description": "An API key: `POST /api/keys`"}}
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request, sent again under it within 24 h, is done once and answered alike",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "example": "0b0e5c1a-2f0f-4f52-8f44-0f0a3c1d9e55",
}

ANYWHERE = (401, 403, 404, 422, 429, 503)
"""What any path may answer."""


def router() -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["about"], responses=answers(401, 429))

    @routes.get("/openapi.json", dependencies=[Depends(needs("viewer"))])
    async def openapi(request: Request) -> dict[str, Any]:
        """This description."""
        described: dict[str, Any] = request.app.openapi()
        return described

    return routes


def describe(app: FastAPI) -> None:
    """From now on `app.openapi()` has what FastAPI cannot know. Made at the first question."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _made(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=TITLE, version="1", summary=ABOUT, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["ProblemBody"] = ProblemBody.model_json_schema()
    made["components"]["securitySchemes"] = SECURITY
    made["security"] = [{"key": []}]
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            if method == "post" and not path.startswith(NOT_HERE):
                operation.setdefault("parameters", []).append(ONCE)
            operation["responses"].pop("422", None)  # FastAPI's own; ours are problems
            changes = (408, 409, 413) if method != "get" else ()
            for status, told in answers(*ANYWHERE, *changes).items():
                operation["responses"].setdefault(str(status), told)
    return made
