"""The doors of backoffice: each resource has a router of its own, this puts them together."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from parley.security.origin import from_here
from services.backoffice import console
from services.backoffice.access import routes as access
from services.backoffice.api import (
    agents,
    audit,
    compliance,
    config,
    dead_letters,
    engines,
    numbers,
    tracker,
    trials,
    webhooks,
)
from services.backoffice.api.calls import actions, active, logs
from services.backoffice.api.requests import bodies, description, problems
from services.backoffice.api.requests.once import Once
from services.backoffice.api.statistics import stats
from services.backoffice.parts import Parts


def build(parts: Parts) -> FastAPI:
    """The whole application."""
    app = FastAPI(title="Parley backoffice", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.admission = parts.access.admission
    # The last one stands before the others.
    app.add_middleware(Once(parts.database, parts.sealer, parts.access.admission.name_of).around)
    app.add_middleware(bodies.around)
    app.add_middleware(parts.access.guard.around)
    problems.install(app)
    description.describe(app)
    routers = [each.router(parts) for each in (logs, active, actions, stats)]
    routers += [each.router(parts) for each in (tracker, compliance, audit, dead_letters, webhooks)]
    routers += [each.router(parts) for each in (config, agents, numbers, engines, trials)]
    for router in [*access.routers(parts), description.router(), *routers]:
        app.include_router(router)

    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", include_in_schema=False)
    async def ready() -> Response:
        """Depends on neither NATS nor the database: their outage is no reason to leave out every replica."""
        status, body = parts.monitor.readiness()
        return JSONResponse(body, status)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """For this machine; others are given them by the monitor, at PARLEY_METRICS_PORT."""
        if not from_here(request.client.host if request.client else "", request.headers):
            return JSONResponse({"error": "metrics are shown on this machine only"}, 403)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    console.mount(app)
    return app
