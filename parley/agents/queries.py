"""`agent.yaml`: what the model may ask of the agent's records in SQL, and whose rows they are."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from parley.agents.strict import Strict

EXECUTE, ANALYZE = "execute_query", "analyze_data"
TOOLS = (EXECUTE, ANALYZE)

Type = Literal["text", "integer", "number", "money", "date", "time", "boolean"]

NAME = r"[a-z][a-z0-9_]{0,39}"
FIELD = r"^[\w .-]{0,100}$"
KEY = "key"
"""Where a field of a row is named: the row's key."""
_WORDS = (
    "all alter and any as between case create cross cube current_date current_time current_timestamp current_user "
    "describe distinct drop else except false fetch for from glob grant having ilike inner insert intersect into "
    "join lateral like limit lock main not notnull null offset on or outer qualify regexp returning revoke rlike "
    "rollback rollup select table tablesample temp temporary then true truncate uncache union using values when "
    "where window with xor"
)
WORDS = frozenset(_WORDS.split())
"""Words of SQL that cannot stand for a name."""


class QueryColumn(Strict):
    """`field` of the row, else the column's own name; `key`: the row's key. Values that are not of the type are NULL.
    `unit`: what is said behind its numbers, as in "12.50 dollars".
    """

    type: Type = "text"
    description: str = Field("", max_length=200)
    unit: str = Field("", max_length=40)
    field: str = Field("", pattern=FIELD)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`amount: money` is the type alone."""
        return {"type": value} if isinstance(value, str) else value


class QueryTable(Strict):
    """A collection as a table. `owner`: the field that holds the key of the customer whose row it is (`key`: the row's
    own key); only the verified customer's rows are there. `public`: it has none, anybody may read all of it.
    """

    collection: str = Field("", pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})?$")
    description: str = Field("", max_length=300)
    owner: str = Field("", pattern=FIELD)
    public: bool = False
    columns: dict[str, QueryColumn] = Field(min_length=1, max_length=24)

    @field_validator("columns")
    @classmethod
    def _column_names(cls, columns: dict[str, QueryColumn]) -> dict[str, QueryColumn]:
        return _named(columns)

    @model_validator(mode="after")
    def _somebodys(self) -> QueryTable:
        if bool(self.owner) == self.public:
            raise ValueError(
                "owner: name the field that holds the customer's key (`key`: the row's own key), or write public: true "
                "for a table that anybody may read as a whole"
            )
        return self


class Queries(Strict):
    """Gives the agent `execute_query` and `analyze_data`. `level`: identity level that both need; 1 where a table has
    an owner, else 0. `rows`: what is kept of a result; `timeout_ms`: the time one query may take.
    """

    tables: dict[str, QueryTable] = Field(min_length=1, max_length=8)
    level: int | None = Field(None, ge=0, le=9)
    rows: int = Field(1000, ge=1, le=5000)
    timeout_ms: int = Field(1000, ge=50, le=5000)

    @field_validator("tables")
    @classmethod
    def _table_names(cls, tables: dict[str, QueryTable]) -> dict[str, QueryTable]:
        return _named(tables)

    @model_validator(mode="after")
    def _proven(self) -> Queries:
        if self.level == 0 and (owned := [name for name, table in self.tables.items() if table.owner]):
            raise ValueError(f"level: 0, and tables.{owned[0]} has an owner, who must be verified; at least 1")
        return self

    @property
    def needed_level(self) -> int:
        return self.level if self.level is not None else int(any(table.owner for table in self.tables.values()))


def _named(things: dict[str, Any]) -> dict[str, Any]:
    for name in things:
        if not re.fullmatch(NAME, name) or name.startswith("sqlite_"):
            raise ValueError(f"{name!r}: a name is a small letter, then up to 39 small letters, digits and _")
        if name in WORDS:
            raise ValueError(
                f"{name}: is a word of SQL; choose another name, and `field` or `collection` for the real one"
            )
    return things
