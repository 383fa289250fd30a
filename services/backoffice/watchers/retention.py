"""How long the watchers keep what they know of calls: kinds for `PARLEY_RETENTION`, beside those of the records.

`summaries`: summary and slots of a call, which say what was said. `outcomes`: what came of it in one word, and how its
turns sounded. The audit log stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.backoffice.records.retention import DEFAULTS, Kind, read
from services.backoffice.watchers.tables import emotions, outcomes

SUMMARIES_DAYS, OUTCOMES_DAYS = 30.0, 400.0


async def _summaries(connection: AsyncConnection, before_ms: int, most: int) -> int:
    told = (outcomes.c.at_ms < before_ms) & (outcomes.c.sealed != b"")
    old = list((await connection.execute(select(outcomes.c.call_id).where(told).limit(most))).scalars())
    await connection.execute(update(outcomes).where(outcomes.c.call_id.in_(old)).values(sealed=b""))
    return len(old)


async def _outcomes(connection: AsyncConnection, before_ms: int, most: int) -> int:
    old: set[str] = set()
    for table in (outcomes, emotions):
        wanted = select(table.c.call_id).where(table.c.at_ms < before_ms).distinct().limit(most)
        found = list((await connection.execute(wanted)).scalars())
        await connection.execute(delete(table).where(table.c.call_id.in_(found), table.c.at_ms < before_ms))
        old.update(found)
    return len(old)


KINDS: Sequence[Kind] = (
    Kind("summaries", SUMMARIES_DAYS, _summaries),
    Kind("outcomes", OUTCOMES_DAYS, _outcomes),
)


def days_kept(text: str) -> Mapping[str, float]:
    """Days by kind, of all kinds, where `PARLEY_RETENTION` is this. Raises Misconfigured."""
    days = {**DEFAULTS, **{kind.name: kind.days for kind in KINDS}}
    return {**days, **read(text, tuple(days))}
