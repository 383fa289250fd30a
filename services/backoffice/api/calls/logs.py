"""`/api/call-logs` and `/api/calls/{call_id}`: calls on record, found, told and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from parley.errors import NotFound
from parley.pii import mask, mask_value
from services.backoffice.access import Who, needs
from services.backoffice.api.calls import export, told
from services.backoffice.api.calls.asking import Export, Listing
from services.backoffice.api.calls.replays import Replays, unknown
from services.backoffice.api.calls.shapes import CALL_ID, CallDetail, CallEvent, CallRow, Replay
from services.backoffice.api.requests import pages
from services.backoffice.api.requests.pages import Cursor, Limit, Page
from services.backoffice.api.requests.problems import answers
from services.backoffice.beside import Beside
from services.backoffice.parts import Parts
from services.backoffice.records.asking import Query as Wanted

Viewer = Annotated[Who, Depends(needs("viewer"))]
CallId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,200}$", examples=[CALL_ID])]
FILES = {
    200: {
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "array"}}},
        "description": "The calls as a file",
    }
}


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["calls"], responses=answers(401, 403, 404, 422, 429, 503))
    search, replays = parts.records.search, Replays(parts.settings)
    beside = Beside(parts.database)

    async def found(wanted: Wanted, who: Who, limit: int, after: tuple[int, str] | None) -> tuple[list[Any], Any]:
        page = await search.calls(wanted, limit, after)
        moods = await beside.moods([row["call_id"] for row in page.items])
        rows = [told.call_row(row, numbers=who.sees_numbers, emotion=moods.get(row["call_id"])) for row in page.items]
        return rows, page.next

    @routes.get("/call-logs")
    async def call_logs(asked: Annotated[Listing, Query()], who: Viewer) -> Page[CallRow]:
        """The newest first."""
        place = pages.place(asked.cursor, asked.search(), (int, str))
        after = (int(place[0]), str(place[1])) if place else None
        rows, next_place = await found(asked.query(who), who, asked.limit, after)
        more = pages.cursor(next_place, asked.search()) if next_place else None
        return Page(items=[CallRow(**row) for row in rows], next=more)

    @routes.get("/call-logs/export", response_class=StreamingResponse, responses=FILES)  # type: ignore[arg-type]
    async def call_log_file(asked: Annotated[Export, Query()], who: Viewer) -> StreamingResponse:
        """All in one file, the newest first; at most 10,000 (`X-Parley-Truncated: true` when there are more)."""
        wanted = asked.query(who)
        total = await search.count(wanted, export.MOST + 1)
        await parts.audit.note(who.name, "calls.exported", asked.format, {"calls": min(total, export.MOST)})

        async def rows() -> AsyncIterator[Sequence[dict[str, Any]]]:
            left, after = export.MOST, None
            while left > 0:
                part, after = await found(wanted, who, min(export.PAGE, left), after)
                yield part
                left -= len(part)
                if after is None:
                    return

        text = export.as_csv(rows()) if asked.format == "csv" else export.as_json(rows())
        kind = "text/csv; charset=utf-8" if asked.format == "csv" else "application/json"
        headers = {"Content-Disposition": f'attachment; filename="calls.{asked.format}"'}
        if total > export.MOST:
            headers["X-Parley-Truncated"] = "true"
        return StreamingResponse(text, media_type=kind, headers=headers)

    @routes.get("/calls/{call_id}")
    async def call(call_id: CallId, who: Viewer) -> CallDetail:
        """All that is known of a call. Soon after something happened in it, it stands here. That somebody looked is in
        the audit, once an hour."""
        row = await search.call(call_id, pii=who.sees_numbers)
        await parts.audit.looked(who.name, call_id)
        emotions = await beside.emotions(call_id)
        mood = emotions[-1][1] if emotions else None
        written = await parts.desk.outcomes.of_call(call_id)
        summary, slots = (written.told.summary, dict(written.told.slots)) if written is not None else ("", {})
        return CallDetail(
            **told.call_row(row, numbers=who.sees_numbers, emotion=mood),
            summary=summary if who.sees_numbers else mask(summary),
            slots=slots if who.sees_numbers else mask_value(slots),
            transcript=told.lines_told(row["lines"], told.felt(row["lines"], emotions)),
            turn_list=told.turns_told(row["turns"], row["lines"], row["tools"]),
            tool_list=told.tools_told(row["tools"]),
            moments=told.moments_told(row["moments"]),
            costs=told.costs_told(row["costs"]),
            events=await beside.count_events(call_id),
        )

    @routes.get("/calls/{call_id}/events")
    async def events(call_id: CallId, who: Viewer, limit: Limit = 50, cursor: Cursor = "") -> Page[CallEvent]:
        """What came into the call, in order, for as long as its event records are kept."""
        searched = {"events": call_id}
        place = pages.place(cursor, searched, (int, int))
        after = (int(place[0]), int(place[1])) if place else (0, 0)
        records = await search.events(call_id)
        await parts.audit.looked(who.name, call_id)
        rows = list(told.events_told(records, after, limit + 1))
        page = pages.page([each for _, each in rows], limit, searched, [where for where, _ in rows])
        return Page(items=[CallEvent(**each) for each in page["items"]], next=page["next"])

    @routes.get("/calls/{call_id}/replay")
    async def replay(call_id: CallId, who: Viewer) -> Replay:
        """Whether the version that runs now would decide the same. An orchestrator is asked; up to 5 s."""
        await search.call(call_id, pii=False)
        try:
            records = await search.events(call_id)
        except NotFound:
            return Replay(**unknown("its event records are not kept any more"))
        return Replay(**await replays.verdict(records))

    return routes
