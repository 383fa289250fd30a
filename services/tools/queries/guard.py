"""Reads a query that a model wrote and lets through what is on the allow list. Pure."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError
from sqlglot.parsers.sqlite import SQLiteParser

from parley.agents.queries import QueryTable
from parley.tooling import ToolError
from services.tools.queries.allowed import CASTS, FUNCTIONS, NODES, VAR_PARENTS

MAX_CHARS = 2000
MAX_DEPTH = 12
"""Of brackets."""
MAX_STEPS = 2000
"""Of the parser: some 40 ms. Queries as they are asked need 30 to 100."""
MAX_NODES = 300
MAX_SELECTS = 6
MAX_TABLES = 4
"""Named in one query, one named twice counts twice: joins cost."""
MAX_TEXT = 200
TOO_DEEP = "The query is too complicated. Ask for less at once."

logging.getLogger("sqlglot").disabled = True  # what it warns of has the query in it

Tables = Mapping[str, QueryTable]


class Refused(ToolError):
    """Why, in words from which the model can write a better one."""


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT that may be run, and the tables it names."""

    tree: exp.Query
    tables: tuple[str, ...]


def admitted(sql: str, tables: Tables) -> Query:
    """Raises Refused."""
    tree = _parsed(sql)
    nodes = list(tree.walk())
    if len(nodes) > MAX_NODES:
        raise Refused(f"The query is too long: {len(nodes)} parts, {MAX_NODES} are allowed. Ask for less at once.")
    for node in nodes:
        _admit(node)
    own = _own_names(tree, tables)
    named = _tables(tree, tables, own)
    _columns(tree, {name: tables[name] for name in named}, own)
    return Query(tree, named)


def _parsed(sql: str) -> exp.Query:
    if len(sql) > MAX_CHARS:
        raise Refused(f"The query has {len(sql)} characters; {MAX_CHARS} are allowed.")
    if not all(c.isprintable() or c in "\n\r\t" for c in sql):
        raise Refused("The query has characters that cannot be printed.")
    if _depth(sql) > MAX_DEPTH:
        raise Refused(f"The query has more than {MAX_DEPTH} brackets in each other.")
    dialect = SQLite()
    try:
        statements = _Parser(dialect=dialect).parse(dialect.tokenize(sql), sql)
    except _TooManySteps:
        raise Refused(TOO_DEEP) from None
    except RecursionError:
        raise Refused(TOO_DEEP) from None
    except SqlglotError as e:
        reason = re.sub(r"\x1b\[\d+m", "", str(e)).split("\n")[0][:200]
        raise Refused(f"The query cannot be read: {reason}") from None
    found = [statement for statement in statements if statement is not None]
    if len(found) != 1 or not isinstance(found[0], exp.Select | exp.SetOperation):
        raise Refused("Write one SELECT and nothing else.")
    return found[0]


class _TooManySteps(Exception):
    pass


class _Parser(SQLiteParser):
    """It tries readings one after the other, 2^n of them for n joins without ON: each step forward or back counts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._left = MAX_STEPS

    def _advance(self, times: int = 1) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooManySteps
        super()._advance(times)


def _depth(sql: str) -> int:
    deepest = depth = 0
    for c in sql:
        depth += (c in "([{") - (c in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _admit(node: exp.Expr) -> None:
    """What may stand there at all."""
    if type(node) not in NODES:
        raise Refused(f"{node.key.upper()} is not available here.")
    match node:
        case exp.Anonymous():
            if not isinstance(node.this, str) or node.this.lower() not in FUNCTIONS:
                raise Refused(f"The function {str(node.this)[:40]} is not available here.")
        case exp.Select() if not node.expressions:
            raise Refused("Write one SELECT and nothing else.")
        case exp.With() if node.args.get("recursive"):
            raise Refused("Recursive queries are not available here.")
        case exp.Join() if node.args.get("method") or node.args.get("using") and node.args.get("on"):
            raise Refused("Join with ON or USING.")
        case exp.Star() if any(node.args.values()):
            raise Refused("Write * alone, or name the columns.")
        case exp.DataType() if node.this not in CASTS:
            raise Refused("Values can be cast to TEXT, INTEGER, REAL and DATE.")
        case exp.Var() if not isinstance(node.parent, VAR_PARENTS):
            raise Refused(f"{node.name[:40]} is not available here.")
        case exp.Literal() if len(node.name) > MAX_TEXT:
            raise Refused(f"A text in a query may have {MAX_TEXT} characters.")
        case exp.Column() if node.args.get("db") or node.args.get("catalog"):
            raise Refused("Name a column as column or table.column.")
        case exp.Table() if any(value for name, value in node.args.items() if name not in ("this", "alias", "joins")):
            raise Refused("Name a table by its name alone.")
        case exp.Table() if not isinstance(node.this, exp.Identifier):
            raise Refused("Functions cannot stand for a table.")


def _own_names(tree: exp.Expr, tables: Tables) -> set[str]:
    """Of the WITH parts. They may not hide a table, nor name themselves: SQLite would take that for a recursion."""
    own = set()
    for part in tree.find_all(exp.CTE):
        name = part.alias.lower()
        if name in tables or name in own:
            raise Refused(f"{name}: a WITH part needs a name that nothing else has.")
        if any(table.name.lower() == name for table in part.this.find_all(exp.Table)):
            raise Refused("Recursive queries are not available here.")
        own.add(name)
    return own


def _tables(tree: exp.Expr, tables: Tables, own: set[str]) -> tuple[str, ...]:
    found = [table.name.lower() for table in tree.find_all(exp.Table)]
    selects = sum(1 for _ in tree.find_all(exp.Select))
    if len(found) > MAX_TABLES or selects > MAX_SELECTS:
        raise Refused(f"At most {MAX_TABLES} tables and {MAX_SELECTS} SELECTs in one query: ask for less at once.")
    for name in found:
        if name not in tables and name not in own:
            raise Refused(f"There is no table {name[:40]}; there are {', '.join(tables)}.")
    return tuple(dict.fromkeys(name for name in found if name in tables))


def _columns(tree: exp.Expr, used: Tables, own: set[str]) -> None:
    """Told here, with the names that there are."""
    aliases = {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    sources = {*used, *own}
    for alias in tree.find_all(exp.TableAlias):
        sources.add(alias.name.lower())
        aliases |= {column.name.lower() for column in alias.columns}
    known = {column for table in used.values() for column in table.columns} | aliases
    for column in tree.find_all(exp.Column):
        _known(column, known, sources)
    for join in tree.find_all(exp.Join):
        for name in join.args.get("using") or ():
            if name.name.lower() not in known:
                raise Refused(_no_column(name.name, known))


def _known(column: exp.Column, known: Iterable[str], sources: set[str]) -> None:
    if column.table and column.table.lower() not in sources:
        raise Refused(f"{column.table[:40]} is no table of this query.")
    if not isinstance(column.this, exp.Star) and column.name.lower() not in known:
        raise Refused(_no_column(column.name, known))


def _no_column(name: str, known: Iterable[str]) -> str:
    return f"There is no column {name[:40]}; there are {', '.join(sorted(known))}."
