"""Where a model's query runs: a database in memory that has nothing but the rows it may see. Blocking: for a thread."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.tools.queries.allowed import SQLITE_FUNCTIONS
from services.tools.queries.guard import Refused

Value = str | int | float | None

MAX_COLUMNS = 24
MAX_CELL_CHARS = 500
PLACES = 6
"""Behind the point of what is computed: a sum of cents has no more."""
_STEPS = 2000  # of SQLite's machine, after which it is looked at the clock
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 6,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 12,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


@dataclass(frozen=True, slots=True)
class Copied:
    """A table and all rows of it that may be seen, gone through once. `types`: SQLite's, by column."""

    name: str
    types: dict[str, str]
    rows: Iterable[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """`complete` False: there are more rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    complete: bool


def run(tables: Sequence[Copied], sql: str, most: int, limit_s: float) -> Found:
    """The first `most` rows. Raises Refused."""
    database = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    try:
        for table in tables:
            _copy(database, table)
        _shut(database, {table.name for table in tables}, time.monotonic() + limit_s)
        cursor = database.execute(sql)
        names = tuple(_unique([column[0] for column in cursor.description]))
        if len(names) > MAX_COLUMNS:
            raise Refused(f"The result has {len(names)} columns; {MAX_COLUMNS} are allowed. Name those you need.")
        rows = cursor.fetchmany(most + 1)
        return Found(names, tuple(tuple(map(_value, row)) for row in rows[:most]), len(rows) <= most)
    except sqlite3.Error as e:
        if getattr(e, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise Refused(
                f"The query took more than {limit_s:g} seconds. Ask for less: fewer rows, no cross joins."
            ) from e
        raise Refused(f"The query cannot be run: {str(e)[:200]}") from e
    finally:
        database.close()


def _copy(database: sqlite3.Connection, table: Copied) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in table.types.items())
    database.execute(f'CREATE TABLE "{table.name}" ({columns})')
    places = ", ".join("?" * len(table.types))
    database.execute("BEGIN")
    database.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', table.rows)  # noqa: S608 - names of the agent's file
    database.execute("COMMIT")


def _shut(database: sqlite3.Connection, tables: set[str], until: float) -> None:
    """From here on nothing but SELECTs of these tables, and only until then."""
    database.execute("PRAGMA temp_store=FILE")  # what is sorted beyond the cache does not stay in memory
    database.execute("PRAGMA cache_size=-4000")
    database.execute("PRAGMA query_only=ON")
    for limit, most in _LIMITS.items():
        database.setlimit(limit, most)

    def allow(action: int, first: str | None, second: str | None, schema: str | None, inner: str | None) -> int:
        match action:
            case sqlite3.SQLITE_SELECT:
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_READ if first in tables:
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_FUNCTION if str(second).lower() in SQLITE_FUNCTIONS:
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    database.set_authorizer(allow)
    database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)


def _value(value: Any) -> Value:
    match value:
        case float():
            return round(value, PLACES)
        case str():
            return value[:MAX_CELL_CHARS]
        case bytes():
            return None
    return value  # type: ignore[no-any-return]


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique
