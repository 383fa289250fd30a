"""`/api/active-calls`, `/api/live` and `/api/calls/{call_id}/live`: calls that are up."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request

from services.backoffice.access import Who, needs
from services.backoffice.api.calls.logs import CallId
from services.backoffice.api.calls.shapes import LiveCalls
from services.backoffice.api.requests.problems import answers
from services.backoffice.live.board import SHOWN
from services.backoffice.live.stream import Followed
from services.backoffice.live.topic import Topic, hidden
from services.backoffice.parts import Parts

Viewer = Annotated[Who, Depends(needs("viewer"))]
LastEventId = Annotated[str, Header(max_length=100, description="Of the last event that came; what was missed is told")]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "Server-sent events; docs/api.md names them",
    }
}


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["live"], responses=answers(401, 403, 404, 422, 429, 503))
    lookout, admission = parts.lookout, parts.access.admission

    def followed(topic: Topic, snapshot: Any, who: Who, request: Request, last_id: str) -> Followed:
        still = partial(admission.still, request, who)
        return Followed(topic, snapshot, numbers=who.sees_numbers, last_id=last_id, still=still)

    @routes.get("/active-calls")
    async def active_calls(who: Viewer) -> LiveCalls:
        """As they stand now, the newest first; 500 at most."""
        board = await lookout.visit()
        calls = board.calls()
        items = calls[:SHOWN] if who.sees_numbers else hidden(calls[:SHOWN])
        return LiveCalls(items=items, more=max(0, len(calls) - SHOWN))

    @routes.get("/live", response_class=Followed, status_code=200, responses=STREAM)
    async def live(request: Request, who: Viewer, last_event_id: LastEventId = "") -> Followed:
        """All calls that are up: a snapshot, then each change."""
        lookout.follow_all()
        return followed(lookout.board.all, lookout.board.all_told, who, request, last_event_id)

    @routes.get("/calls/{call_id}/live", response_class=Followed, status_code=200, responses=STREAM)
    async def call_live(request: Request, call_id: CallId, who: Viewer, last_event_id: LastEventId = "") -> Followed:
        """One call as it is spoken: its lines, tools and moments. That somebody followed it is in the audit."""
        opened = await lookout.follow(call_id)
        await parts.audit.looked(who.name, call_id)
        return followed(opened.topic, partial(lookout.board.one_told, call_id), who, request, last_event_id)

    return routes
