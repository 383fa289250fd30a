"""What is known of many calls at once, beside their records: how callers sounded, how much is kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from services.backoffice.database import Database
from services.backoffice.records import tables as records
from services.backoffice.watchers import tables

Felt = tuple[int, str]
"""When it was told (ms since 1970), and the emotion."""


class Beside:
    """Reads only. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moods(self, call_ids: Sequence[str]) -> dict[str, str]:
        """Call -> how the caller's last turn sounded, of those where it is known."""
        if not call_ids:
            return {}
        felt = tables.emotions
        wanted = select(felt.c.call_id, felt.c.emotion).where(felt.c.call_id.in_(call_ids)).order_by(felt.c.at_ms)
        async with self._database.reading() as connection:
            return {row.call_id: row.emotion for row in await connection.execute(wanted)}

    async def emotions(self, call_id: str) -> list[Felt]:
        """In the order of the call."""
        felt = tables.emotions
        wanted = select(felt.c.at_ms, felt.c.emotion).where(felt.c.call_id == call_id).order_by(felt.c.at_ms)
        async with self._database.reading() as connection:
            return [(row.at_ms, row.emotion) for row in await connection.execute(wanted)]

    async def felt_since(self, call_ids: Sequence[str], since_ms: int) -> list[tuple[str, int, str]]:
        """Call, when, emotion: of these calls, in order."""
        if not call_ids:
            return []
        felt = tables.emotions
        wanted = (
            select(felt.c.call_id, felt.c.at_ms, felt.c.emotion)
            .where(felt.c.call_id.in_(call_ids), felt.c.at_ms > since_ms)
            .order_by(felt.c.at_ms)
        )
        async with self._database.reading() as connection:
            return [(row.call_id, row.at_ms, row.emotion) for row in await connection.execute(wanted)]

    async def count_events(self, call_id: str) -> int:
        """Event records of it that are kept."""
        wanted = select(func.count()).select_from(records.records).where(records.records.c.call_id == call_id)
        async with self._database.reading() as connection:
            return int((await connection.execute(wanted)).scalar_one())
