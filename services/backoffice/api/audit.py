"""`/api/audit`: what happened and who did what, and whether the log is whole. For admins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.backoffice.access import Who, needs
from services.backoffice.api.requests import pages
from services.backoffice.api.requests.pages import Cursor, Limit, Page
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts

Admin = Annotated[Who, Depends(needs("admin"))]


class AuditEntry(BaseModel):
    """`who`: an operator, a key, or nobody: it happened in a call. `detail` null: its caller was forgotten."""

    number: int = Field(examples=[4711])
    at: str = Field(examples=["2026-11-30T10:00:00.000Z"])
    kind: str = Field(examples=["config.changed"])
    subject: str = Field(examples=["PARLEY_STT"])
    who: str = Field(examples=["ann"])
    detail: dict[str, Any] | None = Field(examples=[{"from": "a", "to": "b"}])


class AuditVerdict(BaseModel):
    """`entries`: so many were found whole, from the first on. `broken`: the first that is not, 0: all are. `head`: the
    hash of the last; noted elsewhere, it tells later whether that entry is still the same."""

    whole: bool
    entries: int = Field(examples=[4711])
    unreadable: int = Field(description="Of callers who were forgotten", examples=[12])
    head: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    broken: int = Field(examples=[0])
    why: str = Field(examples=[""])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/audit", tags=["audit"], responses=answers(401, 403, 422, 429, 503))
    one_at_a_time = asyncio.Lock()

    @routes.get("")
    async def entries(
        _: Admin,
        kind: Annotated[str, Query(max_length=60, examples=["login"])] = "",
        subject: Annotated[str, Query(max_length=300, description="A call, a setting, an account")] = "",
        cursor: Cursor = "",
        limit: Limit = pages.DEFAULT_LIMIT,
    ) -> Page[AuditEntry]:
        """The newest first."""
        search = {"kind": kind, "subject": subject}
        place = pages.place(cursor, search, (int,))
        before = int(place[0]) if place else 0
        found = await parts.audit.page(before, limit + 1, kind=kind, subject=subject)
        items = [
            AuditEntry(
                number=each.seq,
                at=told_at(each.at_ms),
                kind=each.kind,
                subject=each.subject,
                who=each.who,
                detail=None if each.detail is None else dict(each.detail),
            )
            for each in found
        ]
        return Page(**pages.page(items, limit, search, [(each.seq,) for each in found]))

    @routes.get("/verify")
    async def verify(_: Admin) -> AuditVerdict:
        """Reads all of it: some seconds for every 100,000 entries; one at a time."""
        async with one_at_a_time:
            verdict = await parts.audit.verify()
        return AuditVerdict(
            whole=verdict.whole,
            entries=verdict.entries,
            unreadable=verdict.unreadable,
            head=verdict.head,
            broken=verdict.broken,
            why=verdict.why,
        )

    return routes


def told_at(ms: int) -> str:
    """`2026-11-30T09:30:00.000Z`"""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
