"""Reading an agent's records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from parley.tooling import ToolError
from services.tools.database import Database
from services.tools.records.rows import MAX_READ, as_kept, unpacked
from services.tools.records.store import Session
from services.tools.tables import records


def rows_of(agent: str, collection: str) -> Select[Any]:
    """Key and value of what is there, in order."""
    here = (records.c.agent == agent) & (records.c.collection == collection) & records.c.value_pii.is_not(None)
    return select(records.c.key, records.c.value_pii).where(here).order_by(records.c.position, records.c.key)


def few(query: Select[Any]) -> Select[Any]:
    """One more than may be read, so that it is seen."""
    return query.limit(MAX_READ + 1)


async def one(session: Session, agent: str, collection: str, key: str) -> dict[str, Any] | None:
    async with session.reading() as connection:
        found = (await connection.execute(rows_of(agent, collection).where(records.c.key == key))).first()
    return None if found is None else unpacked(found.value_pii)


def mark_of(intent: str, count: int) -> str:
    """What is written with a key that `add` makes: the intent, and the how many-eth of its rows it is."""
    return f"{intent}#{count}" if intent else ""


class Wanted:
    """Rows whose fields have these values, as JSON keeps them."""

    def __init__(self, equal: Mapping[str, Any]) -> None:
        self._equal = {name: as_kept(value) for name, value in equal.items()}

    def narrowed(self, database: Database, query: Select[Any]) -> Select[Any]:
        """The database looks for single values under plain names; the rest is `chosen`'s."""
        for name, value in self._equal.items():
            if isinstance(value, str | int | float) and re.fullmatch(r"\w+", name):
                query = query.where(_field_is(database, name, value))
        return query

    def chosen(self, collection: str, found: Mapping[str, str | None]) -> dict[str, dict[str, Any]]:
        """Raises ToolError: more than MAX_READ were found."""
        if len(found) > MAX_READ:
            raise ToolError(f"There are too many {collection} to look through: more than {MAX_READ:,}.")
        rows = {key: unpacked(value) for key, value in found.items() if value is not None}
        return {key: row for key, row in rows.items() if self._fits(row)}

    def _fits(self, row: Mapping[str, Any]) -> bool:
        return all(name in row and _same(row[name], value) for name, value in self._equal.items())


def _same(value: Any, wanted: Any) -> bool:
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _field_is(database: Database, name: str, value: Any) -> Any:
    if database.shared:
        return cast(records.c.value_pii, JSONB)[name] == literal(value, JSONB)
    return func.json_extract(records.c.value_pii, f'$."{name}"') == value
