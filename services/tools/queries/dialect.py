"""An admitted query as SQLite runs it: dates counted from the call's own day, names for what it gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ErrorLevel, UnsupportedError

from parley.agents.queries import QueryColumn
from services.tools.queries.allowed import CASTS
from services.tools.queries.guard import TOO_DEEP, Query, Refused, Tables

Known = TypeVar("Known")

_PARTS = {"year": "%Y", "month": "%m", "day": "%d", "dow": "%w", "hour": "%H"}
_STARTS = {"year": "start of year", "month": "start of month", "day": "start of day"}
_UNITS = {"day": ("days", 1), "week": ("days", 7), "month": ("months", 1), "year": ("years", 1)}
_NAMES = {
    "sub": "difference",
    "add": "sum",
    "mul": "product",
    "div": "ratio",
    "literal": "value",
    "case": "value",
    "dpipe": "text",
    "timetostr": "period",
    "datetrunc": "period",
    "currentdate": "today",
    "currenttimestamp": "now",
}
_SAME = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Round, exp.Abs, exp.Coalesce, exp.Paren)


class _Ticked(SQLite):
    """Names in backticks: in double quotes, SQLite takes one that it does not know for a text."""

    class Tokenizer(SQLite.Tokenizer):
        IDENTIFIERS = ["`"]  # noqa: RUF012 - as in the class it comes from


def runnable(query: Query, now: datetime) -> str:
    """SQL for SQLite, every name quoted. Raises Refused."""
    try:
        return _written(query.tree.copy(), now)
    except UnsupportedError as e:
        raise Refused(f"The query cannot be run: {str(e)[:200]}") from None
    except RecursionError:
        raise Refused(TOO_DEEP) from None


def _written(tree: exp.Query, now: datetime) -> str:
    for select in _tops(tree):
        _name(select)
    moment = exp.Literal.string(f"{now:%Y-%m-%d %H:%M:%S}")
    day = exp.Literal.string(f"{now:%Y-%m-%d}")
    for node in reversed(list(tree.walk(bfs=False))):  # what is inside first
        adapted = _adapted(node, moment, day)
        if adapted is not node:
            node.replace(adapted)
    return tree.sql(_Ticked, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def columns_of(query: Query, tables: Tables) -> Mapping[str, QueryColumn]:
    """What is known of the result's columns, by name: those that are a column, or a sum or the like of one."""
    declared = {name: column for table in query.tables for name, column in tables[table].columns.items()}
    known: dict[str, QueryColumn] = {}
    for select in _tops(query.tree)[:1]:
        for part in select.expressions:
            if part.is_star:
                known |= declared
                continue
            inner = part.this if isinstance(part, exp.Alias) else part
            while isinstance(inner, _SAME):
                inner = inner.this
            if isinstance(inner, exp.Column) and inner.name.lower() in declared:
                known[part.alias_or_name or _spoken_name(part)] = declared[inner.name.lower()]
    return known


def _tops(tree: exp.Expr) -> list[exp.Select]:
    """The SELECTs whose columns are the result's; those of a UNION are named by its first."""
    if isinstance(tree, exp.SetOperation):
        return [*_tops(tree.left), *_tops(tree.right)]
    if isinstance(tree, exp.Subquery):
        return _tops(tree.this)
    return [tree] if isinstance(tree, exp.Select) else []


def _name(select: exp.Select) -> None:
    for n, part in enumerate(select.expressions):
        if not part.alias and not isinstance(part, exp.Column | exp.Star):
            select.expressions[n].replace(exp.alias_(part.copy(), _spoken_name(part)))


def _spoken_name(part: exp.Expr) -> str:
    """What a figure without a name is called: sum_amount."""
    inner = part.this if isinstance(part, exp.Filter) else part
    word = str(inner.this).lower() if isinstance(inner, exp.Anonymous) else _NAMES.get(inner.key, inner.key)
    words = [word, *(column.name for column in inner.find_all(exp.Column) if column.name != "*")]
    return "_".join(dict.fromkeys(re.sub(r"\W", "", word.lower()) for word in words))[:40]


def _adapted(node: exp.Expr, moment: exp.Expr, day: exp.Expr) -> exp.Expr:
    match node:
        case exp.CurrentDate():
            return day.copy()
        case exp.CurrentTimestamp():
            return moment.copy()
        case exp.Date() | exp.Anonymous():
            return _date_function(node, moment)
        case exp.TimeToStr():
            return _call("STRFTIME", node.args["format"], *_timed([_bare(node.this)], moment))
        case exp.Year() | exp.Month() | exp.Day():
            return _part(node.key, node.this)
        case exp.Extract():
            return _part(node.this.name.lower(), node.expression)
        case exp.DateTrunc() | exp.TimestampTrunc():
            start = _of(_STARTS, node.args["unit"].name, "dates are cut to")
            return _call("DATE", node.this, exp.Literal.string(start))
        case exp.Add(expression=exp.Interval()) | exp.Sub(expression=exp.Interval()):
            return _moved(node)
        case exp.Interval() if not isinstance(node.parent, exp.Add | exp.Sub) or node.arg_key != "expression":
            raise Refused("Write an interval behind + or -, as in day - INTERVAL '1 month'.")
        case exp.Cast() if node.to.this == exp.DType.DATE:
            return _call("DATE", node.this)
        case exp.DataType():
            return exp.DataType.build(CASTS[node.this], dialect="sqlite")
    return node


def _date_function(node: exp.Expr, moment: exp.Expr) -> exp.Expr:
    arguments = [node.this, *node.expressions] if isinstance(node, exp.Date) else list(node.expressions)
    arguments = [argument for argument in arguments if isinstance(argument, exp.Expr)]
    name = "DATE" if isinstance(node, exp.Date) else str(node.this).upper()
    if name == "NOW":
        return moment.copy()
    if name == "TOTAL":
        return _call(name, *arguments)
    form = 1 if name == "STRFTIME" else 0
    return _call(name, *arguments[:form], *_timed(arguments[form:], moment))


def _timed(arguments: list[exp.Expr], moment: exp.Expr) -> list[exp.Expr]:
    """'now' and nothing at all are the call's own moment, which is local already."""
    said = [argument for argument in arguments if argument.name.lower() not in ("localtime", "utc")]
    if not said or isinstance(said[0], exp.Literal) and said[0].name.lower() == "now":
        return [moment.copy(), *said[1:]]
    return said


def _bare(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.TsOrDsToTimestamp) else node


def _part(unit: str, of: exp.Expr) -> exp.Expr:
    form = _of(_PARTS, unit, "parts of a date are")
    return exp.cast(_call("STRFTIME", exp.Literal.string(form), of), "INTEGER", dialect="sqlite")


def _moved(node: exp.Expr) -> exp.Expr:
    interval = node.expression
    count = interval.this.name if interval.this is not None else ""
    unit, days = _of(
        _UNITS, interval.args["unit"].name.lower().rstrip("s") if interval.unit else "", "intervals are of"
    )
    if not re.fullmatch(r"\d{1,5}", count):
        raise Refused("Write an interval as a whole number: INTERVAL '30 days'.")
    sign = "-" if isinstance(node, exp.Sub) else "+"
    step = exp.Literal.string(f"{sign}{int(count) * days} {unit}")
    moved = _call("DATE", node.this, step)
    if unit == "days":
        return moved
    # A month before March 31 is the end of February, as elsewhere; SQLite would make March 3 of it.
    last = ("start of month", step.name, "+1 month", "-1 day")
    return _call("MIN", moved, _call("DATE", node.this, *map(exp.Literal.string, last)))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _of(known: Mapping[str, Known], name: str, words: str) -> Known:
    if (found := known.get(name.lower())) is None:
        raise Refused(f"{name[:20] or 'That'} is not available here: {words} {', '.join(known)}.")
    return found
