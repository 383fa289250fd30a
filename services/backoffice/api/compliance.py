"""`/api/compliance-audit`: the controls against this installation; `/api/compliance-checklist`: what people declare."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from parley.errors import BadInput, NotFound
from services.backoffice.access.admission import needs
from services.backoffice.access.roles import Who
from services.backoffice.compliance.auditing import Judged, Report
from services.backoffice.compliance.controls import CONTROLS
from services.backoffice.compliance.finding import Result
from services.backoffice.compliance.looking import DECLARED, Sources, audit_of
from services.backoffice.compliance.pdf import pdf
from services.backoffice.compliance.report import markdown, ordered
from services.backoffice.parts import Parts

Supervisor = Annotated[Who, Depends(needs("supervisor"))]
Admin = Annotated[Who, Depends(needs("admin"))]


class DeclaredBy(BaseModel):
    who: str = Field(examples=["ann"])
    at: str = Field(examples=["2026-11-30T10:00:00+00:00"])
    note: str = Field(examples=["Agreement signed on 3 March, in the safe"])


class Checked(BaseModel):
    """One control. `result`: `declare` where nothing here can check it and nobody has declared it."""

    id: str = Field(examples=["hipaa-vendors"])
    law: str = Field(examples=["HIPAA"])
    paragraph: str = Field(examples=["HIPAA 164.308(b)(1)"])
    title: str
    severity: Literal["high", "medium", "low"]
    result: Result
    detail: str
    remedy: str
    declared: DeclaredBy | None = None


class Audited(BaseModel):
    """`score`: 0 to 100, by severity: what passes or is declared. What is to be done comes first."""

    at: str
    score: int = Field(ge=0, le=100)
    controls: list[Checked]


class Checklist(BaseModel):
    """What only people can say."""

    items: list[Checked]


class Declaration(BaseModel):
    """`control`: the `id` of one whose result is `declare` or `declared`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    control: str = Field(max_length=60, examples=["hipaa-vendors"])
    note: str = Field(min_length=3, max_length=300, examples=["Agreement signed on 3 March, in the safe"])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["compliance"])
    sources = Sources(parts.settings, parts.bus, parts.database, parts.access.accounts, parts.audit)

    @routes.get(
        "/api/compliance-audit",
        response_model=Audited,
        responses={200: {"content": {"text/markdown": {}, "application/pdf": {}}}},
    )
    async def audit(who: Supervisor, format: Annotated[Literal["json", "markdown", "pdf"], Query()] = "json") -> Any:
        """Looks at everything anew: up to 20 s."""
        report = await audit_of(sources)
        if format == "json":
            return _audited(report)
        if format == "markdown":
            return _file(markdown(report).encode(), "text/markdown; charset=utf-8", "compliance.md")
        return _file(await asyncio.to_thread(pdf, report), "application/pdf", "compliance.pdf")

    @routes.get("/api/compliance-checklist")
    async def checklist(who: Supervisor) -> Checklist:
        """What is to be declared by hand, and who declared it."""
        report = await audit_of(sources)
        by_hand = [each for each in ordered(report) if each.finding.result in ("declare", "declared")]
        return Checklist(items=list(map(_checked, by_hand)))

    @routes.post("/api/compliance-checklist", status_code=201)
    async def declare(body: Declaration, who: Admin) -> Checked:
        """Declare that a control holds. Stands in the audit for good; the newest counts, for a year."""
        if body.control not in {control.id for control in CONTROLS}:
            raise NotFound(f"control: there is none with the id {body.control!r}; GET /api/compliance-checklist")
        if _of(await audit_of(sources), body.control).finding.result not in ("declare", "declared"):
            raise BadInput("control: it is checked and not declared; its remedy is in GET /api/compliance-audit")
        await parts.audit.note(who.name, DECLARED, body.control, {"note": body.note})
        return _checked(_of(await audit_of(sources), body.control))

    return routes


def _of(report: Report, control: str) -> Judged:
    return next(each for each in report.judged if each.control.id == control)


def _audited(report: Report) -> Audited:
    return Audited(at=_time(report.at_s), score=report.score, controls=list(map(_checked, ordered(report))))


def _checked(judged: Judged) -> Checked:
    control, by = judged.control, judged.declared
    return Checked(
        id=control.id,
        law=control.law,
        paragraph=f"{control.law} {control.paragraph}",
        title=control.title,
        severity=control.severity,
        result=judged.finding.result,
        detail=judged.finding.detail,
        remedy=control.remedy,
        declared=None if by is None else DeclaredBy(who=by.who, at=_time(by.at_ms / 1000), note=by.note),
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
