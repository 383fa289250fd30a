"""What agents write down for good: who was told or did what, when, by which intent. Nothing changes an entry, no
`data.version` ends it, and there is no number of them that is too many; after PARLEY_AUDIT_DAYS it is forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.tools.database import Database
from services.tools.records.rows import packed
from services.tools.tables import audit


def entered(agent: str, intent: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an entry. Raises BadRow: it is no JSON, or too large."""
    said = packed({name: value for name, value in entry.items() if name != "at"})
    return {
        "agent": agent,
        "intent": intent,
        "hash": hashlib.sha256(said.encode()).hexdigest(),
        "entry_pii": packed(entry),
        "written_at": datetime.now(UTC),
    }


async def append(database: Database, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """An entry that its intent has written before, but for the time, is there already."""
    await connection.execute(database.insert(audit).on_conflict_do_nothing(), list(rows))
