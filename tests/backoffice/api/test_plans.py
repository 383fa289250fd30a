"""Lists of many calls are read along an index: no call is looked at that is not wanted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from services.backoffice.api.statistics.counting import Counting
from services.backoffice.database import Database
from services.backoffice.records.asking import Measure, Query
from services.backoffice.records.rows import Paper
from services.backoffice.records.search import Search
from services.backoffice.records.tables import calls
from services.backoffice.sealing import Sealer
from testbed.recorded_calls import some_calls
from tests.backoffice.api.conftest import keep

QUERIES = [
    Query(),
    Query(agent="bank"),
    Query(number="+15550000001"),
    Query(number="0001"),
    Query(called="+15550199999"),
    Query(live=True),
    Query(since_ms=1_780_000_000_000, until_ms=1_780_000_600_000),
    Query(words="visit"),
    Query(emotion="angry", agent="bank"),
    Query(tool="book_visit", tool_status="failed"),
    Query(tool="book_visit"),
    Query(tool_status="failed", emotion="angry"),
    Query(outcome="resolved"),
    Query(words="visit", measures=(Measure("interruptions", ">=", 1),)),
    Query(words="visit", outcome="resolved", emotion="happy", measures=(Measure("seconds", ">=", 10),)),
]


class Asked:
    """What is said to the database."""

    def __init__(self, database: Database) -> None:
        self.said: list[tuple[str, Any]] = []
        for engine in {database._engine, database._readers}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.said.append((statement, parameters))


async def plans(database: Database, asked: Asked) -> list[str]:
    """A line for each table that is read."""
    found: list[str] = []
    said, asked.said = asked.said, []
    async with database.reading() as connection:
        if database.shared:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of a few rows is read whole
            await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        for statement, parameters in said:
            raw = f"EXPLAIN {'' if database.shared else 'QUERY PLAN '}{statement}"
            rows = await connection.exec_driver_sql(raw, parameters)
            found += [str(row[-1]) for row in rows]
    return found


def whole(line: str) -> bool:
    """The table of calls is read from one end to the other, without an index."""
    return "SCAN calls" in line and "USING" not in line or "Seq Scan on calls " in line


def again_for_each(line: str) -> bool:
    """Something is gone through once more for each call."""
    return "CORRELATED" in line or "SubPlan" in line and "hashed" not in line


@pytest.mark.timeout(200)
async def test_every_list_is_read_along_an_index(database: Database, sealer: Sealer) -> None:
    await keep(database, sealer, [record for call in some_calls(40, turns=2) for record in call.records])
    search, asked = Search(database, Paper(sealer, "mask")), Asked(database)
    for query in QUERIES:
        for after in (None, (1_780_000_300_000, "CA01000003")):
            await search.calls(query, 50, after)
            lines = await plans(database, asked)
            assert lines
            assert [line for line in lines if whole(line) or again_for_each(line)] == [], query


async def test_statistics_read_only_the_time_that_is_asked_for(database: Database, sealer: Sealer) -> None:
    await keep(database, sealer, [record for call in some_calls(20, turns=2) for record in call.records])
    counting, asked = Counting(database), Asked(database)
    where = calls.c.started_ms.between(1_780_000_000_000, 1_780_000_600_000)
    sums, stages = await counting.counted("agent", where)
    assert sum(each.calls for each in sums.values()) == 11
    answers = [count for each in sums.values() for count in each.answers.values()]
    assert sum(answers) == sum(stages["first_sound"].values()) > 0
    assert [line for line in await plans(database, asked) if whole(line)] == []
