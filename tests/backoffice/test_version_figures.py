"""What is on record of an agent's versions, beside each other; on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import insert

from services.backoffice.configuration.figures import DAYS, figures_by_version
from services.backoffice.database import Database
from services.backoffice.records.tables import calls, turns

NOW_MS = int(time.time() * 1000)
EMPTY: dict[type, Any] = {str: "", int: 0, float: 0.0, bool: False, bytes: b""}


def row(table: Any, **given: Any) -> dict[str, Any]:
    """With whatever else must not be null."""
    return {c.name: EMPTY[c.type.python_type] for c in table.columns if not c.nullable} | given


def call(n: int, version: str, **given: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "call_id": f"c{n}",
        "agent": "bikes",
        "version": version,
        "started_ms": NOW_MS,
        "ended_by": "caller",
    }
    return row(calls, **(about | given))


async def test_versions_are_counted_apart_edits_together_and_old_calls_not(database: Database) -> None:
    one, two = "a" * 12, "b" * 12
    async with database.transaction() as connection:
        made = [
            call(1, one, seconds=60.0, interruptions=2, usd=0.5, answer_ms=400),
            call(2, one, seconds=30.0, usd=0.25, answer_ms=600, ended_by="bot"),
            call(3, two, tools_failed=1),
            call(4, "edit-1"),
            call(5, "edit-2"),
            call(6, two) | {"started_ms": NOW_MS - (DAYS + 1) * 86_400_000},
        ]
        for each in made:
            await connection.execute(insert(calls).values(**each))
        for n, sound, words in ((1, 500, 300), (2, None, None), (3, None, 200)):
            await connection.execute(insert(turns).values(**row(turns, call_id="c1", nr=n, sound=sound, words=words)))
    found = (await figures_by_version(database))["bikes"]
    assert {version: each.calls for version, each in found.items()} == {one: 2, two: 1, "folder": 2}
    first = found[one]
    assert (first.turns, first.answered, first.answer_ms, first.interruptions) == (3, 2, 500.0, 2)
    assert first.answer_rate is not None
    assert round(first.answer_rate, 3) == 0.667
    assert (first.seconds, first.usd, first.usd_per_call) == (90.0, 0.75, 0.375)
    assert first.outcomes == {"caller": 1, "bot": 1}
    assert found[two].tools_failed == 1
    assert found[two].answer_rate is None
