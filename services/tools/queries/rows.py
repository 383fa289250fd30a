"""The rows a query may see: of this agent, this collection, and the verified customer; of them the declared columns."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, String, Text, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from parley.agents.queries import KEY, QueryTable, Type
from services.tools.database import Database
from services.tools.queries.guard import Refused
from services.tools.queries.sandbox import Copied, Value
from services.tools.tables import records

MAX_ROWS = 10_000
"""Of one table, that a query may look at."""
MAX_CHARS = 1000
"""Of one value."""
NEEDS_CUSTOMER = "It is not known who the caller is. Verify the caller first, then ask again."

_SQLITE: dict[Type, str] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "REAL",
    "money": "REAL",
    "date": "TEXT",
    "time": "TEXT",
    "boolean": "INTEGER",
}


async def copied(database: Database, agent: str, customer: str, name: str, table: QueryTable, limit_s: float) -> Copied:
    """All of them; typed as they are gone through, in the query's thread: there may be a million values.

    Raises Refused: nobody is verified, or there are too many; Unavailable.
    """
    if table.owner and not customer:
        raise Refused(NEEDS_CUSTOMER)
    statement = _statement(database, agent, customer, name, table)
    async with database.read_only(limit_s) as connection:
        found = (await connection.execute(statement)).all()
    if len(found) > MAX_ROWS:
        raise Refused(f"The table {name} is too large to be asked: more than {MAX_ROWS:,} rows.")
    types = [column.type for column in table.columns.values()]
    rows = (tuple(_typed(value, kind) for value, kind in zip(row, types, strict=True)) for row in found)
    return Copied(name, {column: _SQLITE[kind] for column, kind in zip(table.columns, types, strict=True)}, rows)


def _statement(database: Database, agent: str, customer: str, name: str, table: QueryTable) -> Any:
    """Nothing of it is the model's: agent, collection and customer are bound, fields come from agent.yaml."""
    here = (records.c.agent == agent) & (records.c.collection == (table.collection or name))
    value: ColumnElement[Any] = records.c.value_pii
    read = select(records.c.key, records.c.position, (cast(value, JSONB) if database.shared else value).label("doc"))
    mine = read.where(here, value.is_not(None)).cte("mine")
    if database.shared:
        mine = mine.prefix_with("MATERIALIZED", dialect="postgresql")  # each row is read once, not once a column

    def field(name: str) -> Any:
        if name == KEY:
            return mine.c.key
        if database.shared:
            return mine.c.doc[name].astext
        return cast(func.json_extract(mine.c.doc, f'$."{name}"'), Text)

    fields = [field(column.field or name) for name, column in table.columns.items()]
    columns = [func.substr(part, 1, MAX_CHARS, type_=String).label(f"c{n}") for n, part in enumerate(fields)]
    statement = select(*columns).order_by(mine.c.position, mine.c.key).limit(MAX_ROWS + 1)
    return statement.where(field(table.owner) == customer) if table.owner else statement


def _typed(text: str | None, kind: Type) -> Value:
    """None for what is not of the type."""
    if text is None:
        return None
    try:
        match kind:
            case "text":
                return text
            case "integer":
                number = Decimal(text)
                return int(number) if -(2**63) < number < 2**63 and number == int(number) else None
            case "number" | "money":
                amount = float(Decimal(text))
                return amount if math.isfinite(amount) else None
            case "date":
                return date.fromisoformat(text[:10]).isoformat()
            case "time":
                return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
            case "boolean":
                return {"true": 1, "1": 1, "false": 0, "0": 0}.get(text.lower())
    except (ValueError, ArithmeticError):
        return None
