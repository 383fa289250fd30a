"""What is computed from a kept result: in code, in decimals, never by a model. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from parley.agents.queries import QueryColumn
from services.tools.queries.guard import Refused
from services.tools.queries.spoken import change, figure, label, listed, period

Operation = Literal["total", "average", "count", "minimum", "maximum", "trend", "compare", "top"]

MAX_GROUPS = 50
"""That a result lists; the largest."""
SAID = 3
"""Of them in the spoken sentence."""
MAX_PERIODS = 60
_DATE = r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-\d\d.*)?)?"
_WORDS = {"total": "In total", "average": "On average", "minimum": "The lowest is", "maximum": "The highest is"}


@dataclass(frozen=True, slots=True)
class Data:
    """A result: columns by name, of which `known` have a type from agent.yaml; rows as lists."""

    columns: Mapping[str, QueryColumn]
    known: frozenset[str]
    rows: Sequence[Sequence[Any]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """`by`: the column that groups are made of, a category or a date. `first`, `second`: what is compared, two values
    of it or two periods, 2026 or 2026-03. `n`: how many of the top.
    """

    operation: Operation
    column: str = ""
    by: str = ""
    period: Literal["month", "year"] = "month"
    first: str = ""
    second: str = ""
    n: int = 5


def analyzed(data: Data, asked: Asked) -> dict[str, Any]:
    """The figures, and a `summary` of them. Raises Refused."""
    if not data.complete:
        raise Refused("The result is not complete, so nothing right can be computed from it. Query again for less.")
    if not data.rows:
        raise Refused("The result has no rows: there is nothing to compute.")
    return _OPERATIONS.get(asked.operation, _single)(data, asked)


def _single(data: Data, asked: Asked) -> dict[str, Any]:
    if asked.by:
        return _grouped(data, asked)
    values = _values(data, asked)
    column = _column(data, asked)
    value = _reduced(asked.operation, values, column)
    if asked.operation == "count":
        words = f"There {'is' if value == 1 else 'are'} {figure(value, QueryColumn(type='integer'))}."
    else:
        words = f"{_WORDS[asked.operation]} {figure(value, column)}."
    return {"value": _plain(value), "rows": len(values), "summary": words}


def _grouped(data: Data, asked: Asked) -> dict[str, Any]:
    column = _column(data, asked)
    groups = {name: _reduced(asked.operation, values, column) for name, values in _groups(data, asked).items()}
    ordered = sorted(groups.items(), key=lambda pair: -pair[1])
    said = [f"{name} {figure(value, column)}" for name, value in ordered[:SAID]]
    more = f", and {len(ordered) - SAID} more" if len(ordered) > SAID else ""
    words = {"total": "In total", "average": "On average", "count": "How many"}.get(asked.operation, asked.operation)
    return {
        "groups": {name: _plain(value) for name, value in ordered[:MAX_GROUPS]},
        "groups_in_all": len(ordered),
        "summary": f"{words.capitalize()} by {label(asked.by)}: {', '.join(said) if more else listed(said)}{more}.",
    }


def _trend(data: Data, asked: Asked) -> dict[str, Any]:
    """Sums by month or year; a period without rows between the first and the last is 0."""
    by = asked.by or _only_date(data)
    column = _column(data, asked)
    sums: dict[str, Decimal] = {}
    for when, value in _pairs(data, asked, by):
        name = _period(when, asked.period, by)
        sums[name] = sums.get(name, Decimal(0)) + value
    names = _between(min(sums), max(sums))
    if len(names) > MAX_PERIODS:
        raise Refused(f"That are {len(names)} periods; at most {MAX_PERIODS}. Ask by year, or query for less.")
    series = {name: sums.get(name, Decimal(0)) for name in names}
    first, last = series[names[0]], series[names[-1]]
    highest = max(series, key=lambda name: series[name])
    if len(names) == 1:
        words = f"All of it is in {period(names[0])}: {figure(first, column)}."
    else:
        how = change(first, last)
        words = (
            f"From {period(names[0])} to {period(names[-1])} it went from {figure(first, column)} to "
            f"{figure(last, column)}{', ' + how if how else ''}. "
            f"The highest was {period(highest)} with {figure(series[highest], column)}."
        )
    return {"series": {name: _plain(value) for name, value in series.items()}, "summary": words}


def _compare(data: Data, asked: Asked) -> dict[str, Any]:
    if not asked.first or not asked.second:
        raise Refused("Say what is to be compared: first and second, two values of a column or two periods as 2026-03.")
    by = asked.by or _only_date(data)
    column = _column(data, asked)
    dates = _is_date(data, by)
    sides = []
    for wanted in (asked.first, asked.second):
        if dates and not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", wanted):
            raise Refused(f"{wanted[:40]} is no period: write a year as 2026, a month as 2026-03.")
        chosen = [value for when, value in _pairs(data, asked, by) if _belongs(str(when), wanted, dates)]
        sides.append((period(wanted) if dates else wanted, sum(chosen, Decimal(0)), len(chosen)))
    (one, first, of_first), (other, second, of_second) = sides
    how = change(first, second)
    words = f"{one} {figure(first, column)}, {other} {figure(second, column)}{': ' + how if how else ''}."
    return {
        "first": {"name": one, "value": _plain(first), "rows": of_first},
        "second": {"name": other, "value": _plain(second), "rows": of_second},
        "difference": _plain(second - first),
        "summary": words[:1].upper() + words[1:],
    }


def _top(data: Data, asked: Asked) -> dict[str, Any]:
    column = _column(data, asked)
    if asked.by:
        found = {name: sum(values, Decimal(0)) for name, values in _groups(data, asked).items()}
        ordered = sorted(found.items(), key=lambda pair: -pair[1])[: asked.n]
    else:
        at = _place(data, asked.column)
        names = [n for n, name in enumerate(data.columns) if n != at]
        rows = [row for row in data.rows if row[at] is not None]
        rows = sorted(rows, key=lambda row: -_number(row[at], asked.column))[: asked.n]
        ordered = [(" ".join(str(row[n]) for n in names[:2]), _number(row[at], asked.column)) for row in rows]
    said = [f"{name} {figure(value, column)}".strip() for name, value in ordered[:SAID]]
    return {
        "top": [{"name": name, "value": _plain(value)} for name, value in ordered],
        "summary": f"{'First is' if len(said) == 1 else 'The first are'} {listed(said)}.",
    }


_OPERATIONS: Mapping[str, Callable[[Data, Asked], dict[str, Any]]] = {
    "trend": _trend,
    "compare": _compare,
    "top": _top,
}


def _reduced(operation: str, values: Sequence[Decimal], column: QueryColumn) -> Decimal:
    match operation:
        case "count":
            return Decimal(len(values))
        case "minimum":
            return min(values)
        case "maximum":
            return max(values)
        case "average":
            places = Decimal("0.01") if column.type == "money" else Decimal("0.0001")
            return (sum(values, Decimal(0)) / len(values)).quantize(places, ROUND_HALF_UP)
    return sum(values, Decimal(0))


def _values(data: Data, asked: Asked) -> list[Decimal]:
    """Of the column; NULLs are left out. A count needs no numbers."""
    if asked.operation == "count":
        at = _place(data, asked.column) if asked.column else -1
        return [Decimal(1) for row in data.rows if at < 0 or row[at] is not None]
    at = _place(data, asked.column)
    values = [_number(row[at], asked.column) for row in data.rows if row[at] is not None]
    if not values:
        raise Refused(f"The column {asked.column} has no values: there is nothing to compute.")
    return values


def _pairs(data: Data, asked: Asked, by: str) -> list[tuple[Any, Decimal]]:
    """What `by` says of a row, and its number; rows without one of them are left out. No column: each row is 1."""
    where = _place(data, by)
    at = _place(data, asked.column) if asked.column else -1
    found = []
    for row in data.rows:
        if row[where] is not None and (at < 0 or row[at] is not None):
            counted = at < 0 or asked.operation == "count"
            found.append((row[where], Decimal(1) if counted else _number(row[at], asked.column)))
    if not found:
        raise Refused("The result has no values in these columns: there is nothing to compute.")
    return found


def _groups(data: Data, asked: Asked) -> dict[str, list[Decimal]]:
    if asked.operation != "count" and not asked.column:
        _place(data, "")
    groups: dict[str, list[Decimal]] = {}
    for name, value in _pairs(data, asked, asked.by):
        groups.setdefault(str(name), []).append(value)
    return groups


def _column(data: Data, asked: Asked) -> QueryColumn:
    """How its numbers are said; a count of rows has no unit."""
    if not asked.column or asked.operation == "count":
        return QueryColumn(type="integer")
    return list(data.columns.values())[_place(data, asked.column)]


def _place(data: Data, name: str) -> int:
    names = [known.lower() for known in data.columns]
    if name.strip().lower() not in names:
        raise Refused(f"There is no column {name[:40] or 'named'}; the result has {', '.join(data.columns)}.")
    return names.index(name.strip().lower())


def _number(value: Any, column: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"The column {column} has no numbers.")
    return Decimal(str(value))


def _is_date(data: Data, name: str) -> bool:
    at = _place(data, name)
    values = [row[at] for row in data.rows if row[at] is not None]
    return bool(values) and all(isinstance(value, str) and re.fullmatch(_DATE, value) for value in values)


def _only_date(data: Data) -> str:
    found = [name for name in data.columns if _is_date(data, name)]
    if len(found) != 1:
        raise Refused(f"Say by which column: by, one of {', '.join(found or data.columns)}.")
    return found[0]


def _period(value: Any, size: str, column: str) -> str:
    match = re.fullmatch(_DATE, str(value))
    if match is None or size == "month" and not match[2]:
        raise Refused(f"The column {column} has no dates by {size}.")
    return f"{match[1]}-{match[2]}" if size == "month" else match[1]


def _between(first: str, last: str) -> list[str]:
    if "-" not in first:
        return [f"{year:04d}" for year in range(int(first), int(last) + 1)]
    start, end = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (first, last))
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(start, end + 1)]


def _belongs(value: str, wanted: str, dates: bool) -> bool:
    return value.startswith(wanted) if dates else value.strip().casefold() == wanted.strip().casefold()


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
