"""The sums and histograms of the statistics, made by the database: rows grow with keys and buckets, not with calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, select

from services.backoffice.api.figures import DAY_MS, HOUR_MS, LONGEST_MS, STEP_MS, By, Sums, gathered
from services.backoffice.database import Database
from services.backoffice.records.tables import calls, turns

STAGES = {
    "ears": turns.c.ears, "first_token": turns.c.token, "first_sound": turns.c.sound, "heard": turns.c.heard,
    "over": turns.c.over,
}  # fmt: skip
"""As the API calls them."""


class Counting:
    """Reads only. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sums(self, by: By, where: ColumnElement[bool]) -> dict[Any, Sums]:
        """By key, of the calls for which it holds."""
        key = _key(by)
        over = calls.c.ended_ms.is_not(None)
        given = calls.c.ended_by == "transfer"
        counted = select(
            key,
            func.count(),
            func.sum(calls.c.seconds),
            func.sum(case((over, 1), else_=0)),
            func.sum(case((given, 1), else_=0)),
            func.sum(calls.c.interruptions),
            func.sum(calls.c.turns),
            func.sum(calls.c.usd),
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(counted.where(where).group_by(key))).all()
            answers = (await connection.execute(self._answers(key, where))).all()
        return gathered((tuple(row) for row in rows), ((each[0], int(each[1]), int(each[2])) for each in answers))

    def _answers(self, key: ColumnElement[Any], where: ColumnElement[bool]) -> Select[Any]:
        bucket = _bucket(turns.c.sound)
        joined = calls.join(turns, turns.c.call_id == calls.c.call_id)
        real = and_(where, turns.c.sound.is_not(None), turns.c.by != "aside")
        return select(key, bucket, func.count()).select_from(joined).where(real).group_by(key, bucket)

    async def stages(self, where: ColumnElement[bool]) -> dict[str, dict[int, int]]:
        """Stage -> histogram."""
        joined = calls.join(turns, turns.c.call_id == calls.c.call_id)
        found: dict[str, dict[int, int]] = {}
        async with self._database.reading() as connection:
            for stage, column in STAGES.items():
                bucket = _bucket(column)
                real = and_(where, column.is_not(None), turns.c.by != "aside")
                wanted = select(bucket, func.count()).select_from(joined).where(real).group_by(bucket)
                found[stage] = {int(row[0]): int(row[1]) for row in await connection.execute(wanted)}
        return found


def _key(by: By) -> ColumnElement[Any]:
    if by == "day":
        return cast(calls.c.started_ms, BigInteger).op("/")(DAY_MS)
    if by == "hour":
        return cast(calls.c.started_ms, BigInteger).op("/")(HOUR_MS)
    return calls.c.agent if by == "agent" else calls.c.called


def _bucket(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Its lower bound. What is before the caller's last word counts as at once."""
    within = case((column < 0, 0), (column > LONGEST_MS, LONGEST_MS), else_=column)
    return within.op("/")(STEP_MS).op("*")(STEP_MS)
