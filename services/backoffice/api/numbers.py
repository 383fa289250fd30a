"""`/api/numbers`: which agent answers which number, when, and what happens outside of that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from parley.bus import publishing
from parley.bus.changing import retried
from parley.bus.presence import processes
from parley.bus.publishing import NUMBERS
from parley.errors import NotFound
from parley.published.changes import of_number
from parley.published.hours import Hours, Outside
from parley.published.numbers import Numbers, checked
from services.backoffice.api.agents import names_of
from services.backoffice.api.requests.asked import Admin, Body, Viewer
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts

MAX_PATTERN = 300
Pattern = Annotated[
    str,
    Query(
        max_length=MAX_PATTERN,
        description="A number, a prefix with `*`, a SIP address, `*` for all others, `page`",
        examples=["+15551234567"],
    ),
]


class Row(BaseModel):
    """`gone`: there is no such agent any more, the default one answers. `hours` null: at all times. `opens_next`: when
    it is closed now."""

    pattern: str = Field(examples=["+1555*"])
    agent: str = Field(examples=["frontdesk"])
    gone: bool
    hours: Hours | None
    open: bool
    opens_next: datetime | None


class Table(BaseModel):
    """`default`: who answers the numbers of no row (PARLEY_AGENT), by service as their processes have it."""

    items: list[Row]
    default: list[str] = Field(examples=[["frontdesk"]])
    agents: list[str]


class NewRow(Body):
    """`hours` null: at all times; left out: as they are."""

    pattern: str = Field(min_length=1, max_length=MAX_PATTERN, examples=["+1555*"])
    agent: str = Field(min_length=1, max_length=100, examples=["frontdesk"])
    hours: Hours | None = None


class Answer(BaseModel):
    """Who answers a number now. `row`: the pattern that says so; empty: the default. `outside`: what happens now."""

    called: str
    row: str
    agent: str
    outside: Outside | None


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/numbers", tags=["numbers"], responses=answers(401, 403, 404, 409, 422, 503))

    @routes.get("")
    async def table(_: Viewer) -> Table:
        """The rows in the order in which they are looked at: exact ones, prefixes from the longest, all others."""
        found, names = (await publishing.read(parts.bus, NUMBERS, Numbers))[0], await names_of(parts)
        rows = [_row(pattern, agent, found, names) for pattern, agent in found.entries.items()]
        return Table(items=sorted(rows, key=_order), default=await default(), agents=names)

    @routes.post("")
    async def set_row(body: NewRow, who: Admin) -> Row:
        """Add a row, or change it. New calls go by it within about a second."""
        pattern, names = checked(body.pattern), await names_of(parts)
        for field, name in (
            ("agent", body.agent),
            ("hours.outside.agent", body.hours.outside.agent if body.hours else ""),
        ):
            if name and name not in names:
                raise NotFound(f"{field}: there is no agent {name[:40]!r}; known are {', '.join(names) or 'none'}")

        def step(now: Numbers) -> Numbers:
            after = now.set(pattern, body.agent)
            return after.open_at(pattern, body.hours) if "hours" in body.model_fields_set else after

        after = await _changed(step, who.name, pattern)
        return _row(pattern, body.agent, after, names)

    @routes.delete("", status_code=204)
    async def remove(pattern: Pattern, who: Admin) -> None:
        """Take a row out: a prefix, the row of all others, or the default then says who answers."""
        await _changed(lambda now: now.remove(pattern), who.name, checked(pattern))

    @routes.get("/who")
    async def who_answers(called: Pattern, _: Viewer) -> Answer:
        """Who would answer this number now."""
        found, fallback = (await publishing.read(parts.bus, NUMBERS, Numbers))[0], await default()
        row = found.row_of(called)
        agent = found.entries.get(row) or next(iter(fallback), "")
        return Answer(called=called, row=row, agent=agent, outside=found.outside(called, datetime.now(UTC)))

    async def default() -> list[str]:
        those = await processes(parts.bus)
        told = {each.values["PARLEY_AGENT"] for each in those if "PARLEY_AGENT" in each.values}
        return sorted(told) or [parts.settings.agent]

    async def _changed(step: Callable[[Numbers], Numbers], who: str, pattern: str) -> Numbers:
        told = of_number(who, pattern)
        _, after = await retried(lambda: publishing.change(parts.bus, NUMBERS, Numbers, step, told))
        await parts.witness.tell_published(NUMBERS, after.changes[-1])
        return after

    return routes


def _row(pattern: str, agent: str, table: Numbers, names: list[str]) -> Row:
    hours, now = table.hours.get(pattern), datetime.now(UTC)
    return Row(
        pattern=pattern,
        agent=agent,
        gone=agent not in names,
        hours=hours,
        open=hours is None or hours.is_open(now),
        opens_next=hours.opens_next(now) if hours is not None else None,
    )


def _order(row: Row) -> tuple[int, int, str]:
    is_prefix = row.pattern.endswith("*")
    return (2 if row.pattern == "*" else int(is_prefix), -len(row.pattern) if is_prefix else 0, row.pattern)
