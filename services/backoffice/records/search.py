"""Finding calls, and all that is known of one."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, column, func, literal, or_, select, table, text

from parley.errors import BadInput, NotFound
from parley.pii.stored import covered
from parley.v1 import events_pb2
from services.backoffice.database import Database, metadata
from services.backoffice.records import tables
from services.backoffice.records.asking import Query
from services.backoffice.records.fold import counted
from services.backoffice.records.rows import FAILED, TAIL, Paper
from services.backoffice.sealing import Unsealable, plain_number

MAX_PAGE = 500
_RELATIONS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_PLAIN = ("agent", "version", "ended_by", "channel", "called", "direction", "language")
_HIDDEN = ("caller_sealed", "caller_hash", "caller_tail")
_WORD = re.compile(r"\w+")
_OUTCOMES = table("outcomes", column("call_id"), column("outcome"))
_EMOTIONS = table("emotions", column("call_id"), column("emotion"))

Found = dict[str, Any]
"""A row of `calls` with the caller's number as `caller`, and `outcome`."""


@dataclass(frozen=True)
class Page:
    """`next`: where the following page begins, None at the end."""

    items: list[Found]
    next: tuple[int, str] | None


class Search:
    """Reads only. Numbers come open: who shows them asks for the right."""

    def __init__(self, database: Database, paper: Paper) -> None:
        self._database, self._paper = database, paper

    async def calls(self, query: Query, limit: int = 50, after: tuple[int, str] | None = None) -> Page:
        """The newest first. Raises BadInput, Unavailable."""
        limit = max(1, min(limit, MAX_PAGE))
        calls = tables.calls
        asked = self._asked(query)
        if after is not None:
            started, call_id = after
            older = and_(calls.c.started_ms == started, calls.c.call_id < call_id)
            asked.append(and_(calls.c.started_ms <= started, or_(calls.c.started_ms < started, older)))
        wanted = self._calls().where(*asked).order_by(calls.c.started_ms.desc(), calls.c.call_id.desc())
        async with self._database.reading() as connection:
            rows = (await connection.execute(wanted.limit(limit + 1))).mappings().all()
        items = [self._shown(row) for row in rows[:limit]]
        more = len(rows) > limit and items
        return Page(items, (items[-1]["started_ms"], items[-1]["call_id"]) if more else None)

    async def count(self, query: Query, most: int = 10_000) -> int:
        """How many there are, counted up to `most`. Raises BadInput, Unavailable."""
        inner = select(tables.calls.c.call_id).select_from(self._joined()).where(*self._asked(query)).limit(most)
        async with self._database.reading() as connection:
            return int((await connection.execute(select(func.count()).select_from(inner.subquery()))).scalar_one())

    async def call(self, call_id: str, *, pii: bool) -> Found:
        """All rows of one: the call with `lines`, `turns`, `tools`, `moments` and `costs`. Without `pii` what is sealed
        in texts stays covered. Raises NotFound, Unavailable."""
        async with self._database.reading() as connection:
            row = (await connection.execute(self._calls().where(tables.calls.c.call_id == call_id))).mappings().first()
            if row is None:
                raise NotFound(f"call_id: there is no call {call_id!r}")
            found = self._shown(row)
            for part in tables.OF_A_CALL:
                order = [each for each in part.primary_key if each.name != "call_id"]
                rows = await connection.execute(select(part).where(part.c.call_id == call_id).order_by(*order))
                found[part.name] = [self._part(dict(each), pii) for each in rows.mappings()]
        return found

    async def events(self, call_id: str) -> list[events_pb2.EventRecord]:
        """The event records of a call that count, in order. Raises NotFound: there are none (any more), Unavailable."""
        kept = tables.records
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(kept.c.sealed).where(kept.c.call_id == call_id))).scalars().all()
        records = []
        for sealed in rows:
            try:
                data = self._paper.sealer.open(sealed, f"record/{call_id}")
            except Unsealable:
                continue
            records.append(events_pb2.EventRecord.FromString(data))
        if not records:
            raise NotFound(f"call_id: no event records of {call_id!r} are kept")
        return counted(records)

    def _calls(self) -> Select[Any]:
        outcome: ColumnElement[Any] = _OUTCOMES.c.outcome if _has_outcomes() else literal("")
        return select(tables.calls, outcome.label("outcome")).select_from(self._joined())

    def _joined(self) -> Any:
        calls: Table = tables.calls
        return calls.outerjoin(_OUTCOMES, _OUTCOMES.c.call_id == calls.c.call_id) if _has_outcomes() else calls

    def _shown(self, row: Mapping[str, Any]) -> Found:
        found = {name: value for name, value in row.items() if name not in _HIDDEN}
        try:
            found["caller"] = self._paper.caller_of(dict(row))
        except Unsealable:
            found["caller"] = ""
        found["outcome"] = row["outcome"] or ""
        return found

    def _part(self, row: Found, pii: bool) -> Found:
        about = f"call/{row.pop('call_id')}"
        for name in [name for name in row if name.endswith("_pii")]:
            value = row.pop(name)
            row[name.removesuffix("_pii")] = self._paper.read(value, about) if pii else covered(value)
        return row

    def _asked(self, query: Query) -> list[ColumnElement[bool]]:
        calls = tables.calls
        asked = [calls.c[name] == value for name in _PLAIN if (value := getattr(query, name))]
        if query.since_ms is not None:
            asked.append(calls.c.started_ms >= query.since_ms)
        if query.until_ms is not None:
            asked.append(calls.c.started_ms < query.until_ms)
        if query.live is not None:
            asked.append(calls.c.ended_ms.is_(None) if query.live else calls.c.ended_ms.is_not(None))
        if query.outcome:
            asked.append(_OUTCOMES.c.outcome == query.outcome if _has_outcomes() else literal(value=False))
        if query.number:
            asked.append(self._number(query.number))
        if query.tool or query.tool_status:
            asked.append(self._tool(query))
        if query.emotion:
            asked.append(calls.c.call_id.in_(select(_EMOTIONS.c.call_id).where(_EMOTIONS.c.emotion == query.emotion)))
        if query.words:
            asked.append(self._words(query.words))
        asked += [_RELATIONS[each.relation](calls.c[each.column], each.value) for each in query.measures]
        return asked

    def _number(self, number: str) -> ColumnElement[bool]:
        plain = plain_number(number)
        if len(plain.lstrip("+")) == TAIL and plain.lstrip("+").isdecimal():
            return tables.calls.c.caller_tail == self._paper.sealer.hash(plain.lstrip("+"), "tail")
        if not plain:
            raise BadInput(f"number: {number!r} is none; write it whole, or its last {TAIL} digits")
        return tables.calls.c.caller_hash == self._paper.sealer.number(plain)

    @staticmethod
    def _tool(query: Query) -> ColumnElement[bool]:
        used = tables.tools
        wanted: list[ColumnElement[bool]] = []
        if query.tool:
            wanted.append(used.c.name == query.tool)
        if query.tool_status:
            wanted.append(used.c.status.in_(FAILED if query.tool_status == "failed" else (query.tool_status,)))
        # Not `exists`: SQLite would go through all uses of the tool again for each call.
        return tables.calls.c.call_id.in_(select(used.c.call_id).where(*wanted))

    def _words(self, words: str) -> ColumnElement[bool]:
        found: Sequence[str] = _WORD.findall(words)
        if not found:
            raise BadInput("words: there is no word in it")
        texts = tables.texts
        if self._database.shared:
            said = func.to_tsvector(text("'simple'"), texts.c.text_pii).op("@@")(
                func.plainto_tsquery(text("'simple'"), " ".join(found))
            )
            # By itself, from the index of words: as a filter of rows that something else found, PostgreSQL would take
            # every text apart anew.
            those = select(texts.c.call_id).where(said).cte("said").prefix_with("MATERIALIZED")
            return tables.calls.c.call_id.in_(select(those.c.call_id))
        rows = text("SELECT rowid FROM call_words WHERE call_words MATCH :words").bindparams(
            words=" ".join(f'"{word}"' for word in found)
        )
        return tables.calls.c.call_id.in_(select(texts.c.call_id).where(texts.c.nr.in_(rows)))


def _has_outcomes() -> bool:
    return "outcomes" in metadata.tables
