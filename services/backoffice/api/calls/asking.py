"""The filters of the lists of calls, as a query of the records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.backoffice.access.roles import Who
from services.backoffice.api.calls.shapes import Count, Direction, Emotion, Taken, Text
from services.backoffice.api.requests.pages import DEFAULT_LIMIT, MAX_CURSOR_CHARS, MAX_LIMIT
from services.backoffice.api.requests.problems import Problem
from services.backoffice.api.requests.times import moment_ms
from services.backoffice.records.asking import Measure, Query, parsed

Seconds = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
MAX_WORDS_CHARS = 200


class Filters(Taken):
    """Joined by *and*; what is empty asks for nothing."""

    q: Text = Field("", description="All of it in a line: `agent:bank interrupted > 3 tool book_visit failed`")
    number: Text = Field("", description="Of the caller, whole or its last four digits; supervisors only")
    words: Text = Field("", description="All of them were said")
    agent: Text = ""
    version: Text = ""
    channel: Literal["", "phone", "browser", "chat"] = ""
    direction: Direction | Literal[""] = ""
    called: Text = Field("", description="The number that was called")
    outcome: Text = Field("", examples=["resolved"])
    ended_by: Literal["", "caller", "bot", "transfer", "lost"] = ""
    since: Text = Field("", alias="from", description="Began then or later: a day or a moment", examples=["2026-11-23"])
    until: Text = Field("", alias="to", description="Began before; of a day: before its end")
    min_seconds: Seconds | None = None
    max_seconds: Seconds | None = None
    min_interruptions: Count | None = None
    tool: Text = Field("", description="It was used")
    tool_failed: bool | None = Field(None, description="`true`: a tool (or `tool`) has failed")
    emotion: Emotion | Literal[""] = Field("", description="A turn of the caller sounded so")
    up: bool | None = Field(None, description="`true`: those that go on; `false`: those that are over")

    def query(self, who: Who) -> Query:
        """Raises Problem (403: a number, by who may not see any; 422), BadInput."""
        query = Query(
            number=self.number,
            words=self.words,
            agent=self.agent,
            version=self.version,
            outcome=self.outcome,
            ended_by=self.ended_by,
            channel=self.channel,
            called=self.called,
            direction=self.direction,
            since_ms=moment_ms(self.since, "query.from"),
            until_ms=moment_ms(self.until, "query.to", end=True),
            tool=self.tool,
            tool_status="failed" if self.tool_failed else "",
            live=self.up,
            emotion=self.emotion,
            measures=tuple(self._measures()),
        )
        query = parsed(self.q, query) if self.q else query
        if query.number and not who.sees_numbers:
            raise Problem(
                403,
                "calls are searched by number by supervisors only",
                field="query.number" if self.number else "query.q",
                remedy="leave the number out, or ask an admin for the role supervisor",
            )
        return query

    def _measures(self) -> list[Measure]:
        found = []
        if self.min_seconds is not None:
            found.append(Measure("seconds", ">=", self.min_seconds))
        if self.max_seconds is not None:
            found.append(Measure("seconds", "<=", self.max_seconds))
        if self.min_interruptions is not None:
            found.append(Measure("interruptions", ">=", self.min_interruptions))
        if self.tool_failed is False:
            found.append(Measure("tools_failed", "=", 0))
        return found

    def search(self) -> dict[str, object]:
        """What tells this search from others."""
        return self.model_dump(exclude={"limit", "cursor", "format"})


class Listing(Filters):
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str = Field("", max_length=MAX_CURSOR_CHARS, description="`next` of the page before")


class Export(Filters):
    format: Literal["csv", "json"] = "csv"
