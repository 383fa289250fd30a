"""`/api/stats`: how many calls, how long, how fast they were answered, what they cost."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import and_

from services.backoffice.access import Who, needs
from services.backoffice.api.calls.shapes import Stats, Taken, Text
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.api.requests.times import moment_ms
from services.backoffice.api.statistics import figures
from services.backoffice.api.statistics.counting import Counting
from services.backoffice.live.shapes import iso
from services.backoffice.parts import Parts
from services.backoffice.records.tables import calls

MOST_ROWS = 1_000
LONGEST_DAYS = {"hour": 62, "day": 800, "agent": 800, "number": 800}
USUAL_DAYS = 7


class Asked(Taken):
    """`from` and `to` as of the calls; the last seven days unless they are given."""

    by: Literal["hour", "day", "agent", "number"] = "day"
    since: Text = Field("", alias="from", examples=["2026-11-23"])
    until: Text = Field("", alias="to")
    agent: Text = ""
    version: Text = ""
    number: Text = Field("", description="The number that was called")
    channel: Literal["", "phone", "browser", "chat"] = ""


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["statistics"], responses=answers(401, 403, 422, 429, 503))
    counting = Counting(parts.database)

    @routes.get("/stats")
    async def stats(asked: Annotated[Asked, Query()], who: Annotated[Who, Depends(needs("viewer"))]) -> Stats:
        """Days and hours are those of UTC."""
        since_ms, until_ms = _span(asked)
        where = [calls.c.started_ms >= since_ms, calls.c.started_ms < until_ms]
        for column, value in (
            (calls.c.agent, asked.agent),
            (calls.c.version, asked.version),
            (calls.c.called, asked.number),
            (calls.c.channel, asked.channel),
        ):
            if value:
                where.append(column == value)
        sums, stages = await counting.counted(asked.by, and_(*where))
        return Stats.model_validate(
            {
                "from": iso(since_ms),
                "to": iso(until_ms),
                "by": asked.by,
                **figures.told(asked.by, sums, MOST_ROWS),
                "stages": [figures.stage_told(stage, histogram) for stage, histogram in stages.items()],
            }
        )

    return routes


def _span(asked: Asked) -> tuple[int, int]:
    """Raises Problem (422)."""
    until_ms = moment_ms(asked.until, "query.to", end=True)
    if until_ms is None:
        until_ms = int(time.time() * 1000)
    since_ms = moment_ms(asked.since, "query.from")
    if since_ms is None:
        since_ms = max(0, until_ms - USUAL_DAYS * figures.DAY_MS)
    if since_ms >= until_ms:
        raise Problem(422, "`from` is not before `to`", field="query.from", remedy="give an earlier day")
    longest = LONGEST_DAYS[asked.by]
    if until_ms - since_ms > longest * figures.DAY_MS:
        remedy = "give a shorter time" + (", or ask by=day" if asked.by == "hour" else "")
        raise Problem(422, f"more than {longest} days at once by {asked.by}", field="query.from", remedy=remedy)
    return since_ms, until_ms
