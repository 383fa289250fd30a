"""Wrong tries, counted in the database that all replicas share: by call, by the number that calls, by record.

A try is counted, and the counting undone if nothing was wrong with it: two at once are two, and no try that ends in the
middle, or crosses another, is left counted as wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case

from services.tools.database import Database
from services.tools.tables import identity_tries

CALL, NUMBER, RECORD = "call", "number", "record"
KEEP_S = 604_800
"""The longest window that agent.yaml may name."""


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whose wrong tries are counted: `kind` is CALL, NUMBER or RECORD; `who` is personal."""

    kind: str
    who: str


class Tries:
    """Of one agent. Raises Unavailable when the database is not there: then nobody is let through."""

    def __init__(self, database: Database, agent: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._agent = agent
        self._clock = clock

    async def count(
        self,
        subjects: Sequence[Subject],
        window_s: int,
        key: str,
        right: Callable[[Mapping[Subject, int]], bool] = lambda counts: False,
    ) -> dict[Subject, int]:
        """One more for each of them; how many that makes. `key`: of the try, which is counted once if it is repeated.
        `right`, told how many: it was a right one, and does not count.

        After `window_s` since the first one it begins anew.
        """
        now = int(self._clock() * 1000)
        table, values = (
            identity_tries.c,
            [
                {"agent": self._agent, "kind": each.kind, "who_pii": each.who, "wrong": 1, "began_ms": now, "last": key}
                for each in sorted(set(subjects))  # in one order everywhere: no two wait for each other
            ],
        )
        said = self._database.insert(identity_tries).values(values)
        over = table.began_ms <= now - window_s * 1000
        again = said.on_conflict_do_update(
            index_elements=["agent", "kind", "who_pii"],
            set_={
                "wrong": case((over, 1), (table.last == said.excluded.last, table.wrong), else_=table.wrong + 1),
                "began_ms": case((over, said.excluded.began_ms), else_=table.began_ms),
                "last": said.excluded.last,
            },
        ).returning(table.kind, table.who_pii, table.wrong)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(again)).all()
            counts = {Subject(row.kind, row.who_pii): row.wrong for row in rows}
            if right(counts):
                await connection.rollback()
        return counts


def outdated() -> Any:
    """Of rows that count nowhere any more."""
    return identity_tries.c.began_ms < int((time.time() - KEEP_S) * 1000)
