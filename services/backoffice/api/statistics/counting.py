"""The sums and histograms of the statistics, made by the database: rows grow with keys and buckets, not with calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from services.backoffice.api.statistics.figures import DAY_MS, HOUR_MS, LONGEST_MS, STEP_MS, By, Sums, gathered
from services.backoffice.database import Database
from services.backoffice.records.tables import calls, turns

STAGES = {
    "ears": turns.c.ears, "first_token": turns.c.token, "first_sound": turns.c.sound, "heard": turns.c.heard,
    "over": turns.c.over,
}  # fmt: skip
"""As the API calls them."""
BY_KEY = "first_sound"
"""What is told of each key, too: how soon its calls were answered."""
Stages = dict[str, dict[int, int]]
"""Stage -> histogram."""


class Counting:
    """Reads only. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counted(self, by: By, where: ColumnElement[bool]) -> tuple[dict[Any, Sums], Stages]:
        """Sums by key, and a histogram of each stage, of the calls for which it holds."""
        key = _key(by)
        over = calls.c.ended_ms.is_not(None)
        given = calls.c.ended_by == "transfer"
        wanted = select(
            key,
            func.count(),
            func.sum(calls.c.seconds),
            func.sum(case((over, 1), else_=0)),
            func.sum(case((given, 1), else_=0)),
            func.sum(calls.c.interruptions),
            func.sum(calls.c.turns),
            func.sum(calls.c.usd),
        )
        stages: Stages = {stage: {} for stage in STAGES}
        answers = []
        async with self._database.reading() as connection:
            rows = (await connection.execute(wanted.where(where).group_by(key))).all()
            for stage, its_key, bucket, count in await connection.execute(_histograms(key, where)):
                stages[stage][int(bucket)] = stages[stage].get(int(bucket), 0) + int(count)
                if stage == BY_KEY:
                    answers.append((its_key, int(bucket), int(count)))
        return gathered((tuple(row) for row in rows), answers), stages


def _histograms(key: ColumnElement[Any], where: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Rows of stage, key (of `BY_KEY` only), bucket and how many. The turns are gone through once for all of them."""
    joined = calls.join(turns, turns.c.call_id == calls.c.call_id)
    real = (
        select(key.label("key"), *STAGES.values()).select_from(joined).where(where, turns.c.by != "aside").cte("real")
    )
    parts = []
    for stage, column in STAGES.items():
        its_key = real.c.key if stage == BY_KEY else cast(null(), real.c.key.type)
        took = real.c[column.name]
        bucket = _bucket(took)
        grouped = (real.c.key, bucket) if stage == BY_KEY else (bucket,)
        part = select(literal_column(f"'{stage}'"), its_key, bucket, func.count())
        parts.append(part.where(took.is_not(None)).group_by(*grouped))
    return union_all(*parts)


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
