"""`execute_query` and `analyze_data`: for an agent that has `queries:` in agent.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
import structlog
from prometheus_client import Counter
from pydantic import Field

from parley.agents.agent import Agent
from parley.agents.queries import Queries, QueryTable
from parley.tooling import CallContext, tool
from services.tools.builtin.auditing import audit
from services.tools.database import Database
from services.tools.execution.threads import Threads
from services.tools.queries.analysis import Asked, analyzed
from services.tools.queries.dialect import columns_of, runnable
from services.tools.queries.guard import MAX_TABLES, Refused, admitted
from services.tools.queries.results import Results
from services.tools.queries.rows import copied
from services.tools.queries.sandbox import Found, Value, run
from services.tools.schema import LoadedTool, load_tool

log = structlog.get_logger()

SHOWN_ROWS = 10
SHOWN_BYTES = 3000
"""Of the rows that the model is given; the rest is kept, and computed with."""
AT_ONCE = 4
WHERE = "agent.yaml: queries"

QUERIES = Counter("voice_queries_total", "SQL queries of models", ["agent", "outcome"])


class QueryTools:
    """`database` None: they can be described, and not called."""

    def __init__(self, database: Database | None) -> None:
        self._database = database
        self._results = Results(database) if database is not None else None
        self._threads = Threads(AT_ONCE)

    def of(self, agent: Agent) -> Mapping[str, LoadedTool]:
        """The agent's, by name; none without `queries:`."""
        if (queries := agent.queries) is None:
            return {}

        async def execute_query(sql: str, context: CallContext) -> dict[str, Any]:
            return await self._execute(agent, queries, sql, context)

        async def analyze_data(
            handle: str,
            operation: Literal["total", "average", "count", "minimum", "maximum", "trend", "compare", "top"],
            context: CallContext,
            column: str = "",
            by: str = "",
            period: Literal["month", "year"] = "month",
            first: str = "",
            second: str = "",
            n: Annotated[int, Field(ge=1, le=20)] = 5,
        ) -> dict[str, Any]:
            return await self._analyze(agent, handle, Asked(operation, column, by, period, first, second, n), context)

        execute_query.__doc__ = _described(queries)
        analyze_data.__doc__ = _ANALYZE
        marked = (tool(level=queries.needed_level)(function) for function in (execute_query, analyze_data))
        return {function.__name__: load_tool(function, WHERE) for function in marked}

    async def _execute(self, agent: Agent, queries: Queries, sql: str, context: CallContext) -> dict[str, Any]:
        assert self._database is not None
        assert self._results is not None
        name = agent.name
        try:
            query = admitted(sql, queries.tables)
            text, known = runnable(query, context.now), columns_of(query, queries.tables)
            limit_s = queries.timeout_ms / 1000
            tables = [
                await copied(self._database, name, context.customer, table, queries.tables[table], limit_s)
                for table in query.tables
            ]
            found = await self._threads.run(lambda: run(tables, text, queries.rows, limit_s))
        except Refused as e:
            QUERIES.labels(name, "refused").inc()
            log.info("query refused", agent=name, call_id=context.call_id, query_pii=sql, reason_pii=str(e))
            raise
        handle = f"r{context.idempotency_key.rpartition('/')[2]}"
        await audit(agent, context, "query answered", sql=text, tables=list(query.tables), rows=len(found.rows))
        fits = await self._results.keep(context.call_id, handle, name, context.customer, found, known)
        QUERIES.labels(name, "answered").inc()
        rows = _shown(found)
        return {
            "handle": handle,
            "columns": list(found.columns),
            "rows": rows,
            "count": len(found.rows),
            "complete": found.complete and fits,
            "summary": _summary(found, fits),
        }

    async def _analyze(self, agent: Agent, handle: str, asked: Asked, context: CallContext) -> dict[str, Any]:
        assert self._results is not None
        data = await self._results.get(context.call_id, handle, agent.name, context.customer)
        about = {"handle": handle, "operation": asked.operation, "column": asked.column, "by": asked.by}
        await audit(agent, context, "figures told", **about)
        return {"handle": handle, "operation": asked.operation, **analyzed(data, asked)}


def _described(queries: Queries) -> str:
    tables = "; ".join(_table(name, table) for name, table in queries.tables.items())
    return (
        "Look something up in the tables with one SELECT, in SQL as SQLite has it. You see only the rows of the "
        f"verified customer; do not filter by customer. At most {MAX_TABLES} tables in a query, no window functions, "
        "dates are text as 2026-03-31; a month is strftime('%Y-%m', day), today is CURRENT_DATE. The answer has the "
        f"first rows and a handle: give that to analyze_data for figures, compute none yourself. Tables: {tables}."
        "\n\nArgs:\n    sql: One SELECT. Name the columns you need."
    )


def _table(name: str, table: QueryTable) -> str:
    columns = ", ".join(
        f"{column} {kind.type}{f' ({kind.description})' if kind.description else ''}"
        for column, kind in table.columns.items()
    )
    return f"{name}{f', {table.description}' if table.description else ''}: {columns}"


_ANALYZE = """Compute figures from the rows that execute_query found: always use it for totals, averages and trends.

Args:
    handle: The handle of execute_query's answer, such as r3.
    operation: total, average, count, minimum, maximum of a column, by groups where `by` is given; trend: sums by
        month or year; compare: two values or periods of `by`; top: the largest.
    column: The column with the numbers. count, trend and compare count rows without it.
    by: The column that groups are made of: a category, or the date for trend and compare.
    period: Of a trend.
    first: For compare: the one value of `by`, or a period, 2026 or 2026-03.
    second: For compare: the other.
    n: How many of the top.
"""


def _shown(found: Found) -> list[dict[str, Value]]:
    shown: list[dict[str, Value]] = []
    size = 0
    for row in found.rows[:SHOWN_ROWS]:
        shown.append(dict(zip(found.columns, row, strict=True)))
        size += len(orjson.dumps(shown[-1]))
        if size > SHOWN_BYTES:
            shown.pop()
            break
    return shown


def _summary(found: Found, fits: bool) -> str:
    match found.rows:
        case ():
            return "I have found nothing for that."
        case ((value,),) if value is not None:
            return f"I have found {found.columns[0].replace('_', ' ')}: {value}."
        case (_,):
            return "I have found one entry."
    more = "" if found.complete and fits else "more than "
    return f"I have found {more}{len(found.rows):,} entries."
