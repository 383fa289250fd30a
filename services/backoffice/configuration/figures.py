"""What is on record of an agent's versions, beside each other: of the calls that began within the last days."""

from __future__ import annotations

import time

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, case, column, func, select, table

from parley.published.bundle import is_published
from services.backoffice.database import Database, metadata
from services.backoffice.records.tables import calls, turns

DAYS = 30
MAX_ROWS = 5_000
"""Agents with versions and outcomes; more are left out."""
FOLDER = "folder"
_OUTCOMES = table("outcomes", column("call_id"), column("outcome"))


class VersionFigures(BaseModel):
    """`answer_rate`: of the callers' turns, those that got an answer; null without any. `answer_ms`: the mean of calls.
    `usd`: of all calls. `outcomes`: calls by outcome, and those without one by who ended them."""

    calls: int = 0
    seconds: float = 0.0
    turns: int = 0
    answered: int = 0
    answer_rate: float | None = None
    answer_ms: float | None = None
    interruptions: int = 0
    tools_failed: int = 0
    usd: float = 0.0
    usd_per_call: float = 0.0
    outcomes: dict[str, int] = Field(default_factory=dict, examples=[{"resolved": 40, "transferred": 2}])


async def figures_by_version(database: Database) -> dict[str, dict[str, VersionFigures]]:
    """Agent -> version, or `folder` -> figures. Raises Unavailable."""
    since = int((time.time() - DAYS * 86_400) * 1000)
    recent, by = calls.c.started_ms >= since, (calls.c.agent, calls.c.version)
    told = select(
        *by,
        func.count().label("calls"),
        func.sum(calls.c.seconds).label("seconds"),
        func.sum(calls.c.interruptions).label("interruptions"),
        func.sum(calls.c.tools_failed).label("tools_failed"),
        func.sum(calls.c.usd).label("usd"),
        func.sum(calls.c.answer_ms).label("answer_ms"),
        func.count(calls.c.answer_ms).label("timed"),
    )
    answered = case((func.coalesce(turns.c.sound, turns.c.words).is_not(None), 1), else_=0)
    asked = select(*by, func.count().label("turns"), func.sum(answered).label("answered"))
    how: ColumnElement[str] = calls.c.ended_by
    ended = select(*by, how.label("outcome"), func.count().label("calls"))
    if "outcomes" in metadata.tables:
        how = func.coalesce(func.nullif(_OUTCOMES.c.outcome, ""), calls.c.ended_by)
        ended = select(*by, how.label("outcome"), func.count().label("calls")).select_from(
            calls.outerjoin(_OUTCOMES, _OUTCOMES.c.call_id == calls.c.call_id)
        )
    found: dict[tuple[str, str], dict[str, float]] = {}
    outcomes: dict[tuple[str, str], dict[str, int]] = {}
    async with database.reading() as connection:
        for row in (await connection.execute(told.where(recent).group_by(*by).limit(MAX_ROWS))).mappings():
            _add(found, row["agent"], row["version"], row)
        joined = asked.select_from(turns.join(calls, turns.c.call_id == calls.c.call_id))
        for row in (await connection.execute(joined.where(recent).group_by(*by).limit(MAX_ROWS))).mappings():
            _add(found, row["agent"], row["version"], row)
        for row in (await connection.execute(ended.where(recent).group_by(*by, how).limit(MAX_ROWS))).mappings():
            its = outcomes.setdefault((row["agent"], _version(row["version"])), {})
            its[row["outcome"] or "under way"] = its.get(row["outcome"] or "under way", 0) + row["calls"]
    shown: dict[str, dict[str, VersionFigures]] = {}
    for (agent, version), sums in found.items():
        shown.setdefault(agent, {})[version] = _figures(sums, outcomes.get((agent, version), {}))
    return shown


def _add(found: dict[tuple[str, str], dict[str, float]], agent: str, version: str, row: object) -> None:
    """Calls of edits of a folder count together."""
    sums = found.setdefault((agent, _version(version)), {})
    for name, value in dict(row).items():  # type: ignore[call-overload]
        if name not in ("agent", "version"):
            sums[name] = sums.get(name, 0) + (value or 0)


def _version(version: str) -> str:
    return version if is_published(version) else FOLDER


def _figures(sums: dict[str, float], outcomes: dict[str, int]) -> VersionFigures:
    number, turned, timed = int(sums.get("calls", 0)), int(sums.get("turns", 0)), sums.get("timed", 0)
    return VersionFigures(
        calls=number,
        seconds=round(sums.get("seconds", 0.0), 1),
        turns=turned,
        answered=int(sums.get("answered", 0)),
        answer_rate=sums.get("answered", 0) / turned if turned else None,
        answer_ms=round(sums["answer_ms"] / timed, 1) if timed else None,
        interruptions=int(sums.get("interruptions", 0)),
        tools_failed=int(sums.get("tools_failed", 0)),
        usd=round(sums.get("usd", 0.0), 6),
        usd_per_call=round(sums.get("usd", 0.0) / number, 6) if number else 0.0,
        outcomes=outcomes,
    )
