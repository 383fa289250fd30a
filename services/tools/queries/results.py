"""What a call's queries have found, kept by a handle: for other replicas too, for a while, and for this caller only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, select

from parley.agents.queries import QueryColumn
from services.tools.database import Database
from services.tools.execution.ledger import RESULTS_HOURS
from services.tools.queries.analysis import Data
from services.tools.queries.guard import Refused
from services.tools.queries.sandbox import Found
from services.tools.tables import query_results

MAX_RESULTS = 20
"""Of one call; the oldest is forgotten."""
MAX_BYTES = 512 * 1024
"""Of one result."""


class Results:
    """Of all calls. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, call_id: str, handle: str, agent: str, customer: str, found: Found, known: Mapping[str, QueryColumn]
    ) -> bool:
        """False: it was too large, and only its beginning is kept. The same handle again replaces it."""
        text, fits = _packed(found, {name: column.model_dump(exclude_defaults=True) for name, column in known.items()})
        values = {"agent": agent, "customer_pii": customer, "found_pii": text, "made_at": datetime.now(UTC)}
        insert = self._database.insert(query_results).values(call_id=call_id, handle=handle, **values)
        of_call = query_results.c.call_id == call_id
        newest = (
            select(query_results.c.handle).where(of_call).order_by(query_results.c.made_at.desc()).limit(MAX_RESULTS)
        )
        async with self._database.transaction() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["call_id", "handle"], set_=values))
            await connection.execute(delete(query_results).where(of_call, query_results.c.handle.not_in(newest)))
        return fits

    async def get(self, call_id: str, handle: str, agent: str, customer: str) -> Data:
        """Raises Refused: there is none of this call, agent and customer."""
        here = query_results.c.call_id == call_id
        query = select(query_results).where(here, query_results.c.agent == agent).order_by(query_results.c.made_at)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        mine = {row.handle: row.found_pii for row in rows if row.customer_pii == customer and _fresh(row.made_at)}
        if (text := mine.get(handle.strip().lower())) is None:
            raise Refused(f"There is no result {handle[:20]}; there are {', '.join(mine) or 'none: query first'}.")
        kept = orjson.loads(text)
        columns = {name: QueryColumn.model_validate(kept["known"].get(name, {})) for name in kept["columns"]}
        return Data(columns, frozenset(kept["known"]), kept["rows"], kept["complete"])


def _fresh(made_at: datetime) -> bool:
    made_at = made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC)
    return datetime.now(UTC) - made_at < timedelta(hours=RESULTS_HOURS)


def _packed(found: Found, known: Mapping[str, Any]) -> tuple[str, bool]:
    rows: list[bytes] = []
    size = 0
    for row in found.rows:
        rows.append(orjson.dumps(row))
        size += len(rows[-1]) + 1
        if size > MAX_BYTES:
            rows.pop()
            break
    fits = len(rows) == len(found.rows)
    kept = {
        "columns": found.columns,
        "known": known,
        "rows": orjson.Fragment(b"[" + b",".join(rows) + b"]"),
        "complete": found.complete and fits,
    }
    return orjson.dumps(kept).decode(), fits
