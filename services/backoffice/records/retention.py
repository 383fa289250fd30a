"""How long what is kept: by kind, and a job that removes what is older.

    PARLEY_RETENTION="transcripts 30 d, events 30 d, records 400 d"

`events` are the event records as they came, sealed; `transcripts` what was said, tools were told, and gave back;
`records` the calls themselves: who, when, how long, how fast, for how much. What is not named keeps its default.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Misconfigured, ParleyError
from services.backoffice.database import Database
from services.backoffice.records import tables

log = structlog.get_logger()

EVERY_S = 3600.0
FIRST_S = 60.0
TOGETHER = 200
"""Calls in one transaction: others write between them."""
DAY_MS = 86_400_000
DEFAULTS = {"transcripts": 30.0, "events": 30.0, "records": 400.0}
"""Days."""
_PART = re.compile(r"^([a-z_]+)\s+(\d+(?:\.\d+)?)\s*([hdwy])$")
_UNITS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}

REMOVED = Counter(
    "voice_retention_removed_total", "Calls of which something was removed since it was too old", ["kind"]
)

Remove = Callable[[AsyncConnection, int, int], Awaitable[int]]
"""Removes what is older than a time, of so many calls at most; of how many it was."""


@dataclass(frozen=True)
class Kind:
    """One kind of what is kept. `days`: unless something else is set."""

    name: str
    days: float
    remove: Remove


def read(text: str, kinds: Sequence[str] = tuple(DEFAULTS)) -> dict[str, float]:
    """Kind -> days, of those that are named. Raises Misconfigured, which names the known ones."""
    found: dict[str, float] = {}
    for part in (part.strip().lower() for part in text.split(",")):
        if not part:
            continue
        match = _PART.match(part)
        if match is None or match[1] not in kinds or float(match[2]) <= 0:
            raise Misconfigured(
                f"PARLEY_RETENTION: {part!r}; write as in `transcripts 30 d, records 400 d`,"
                f" with h, d, w or y; kinds are {', '.join(kinds)}"
            )
        found[match[1]] = float(match[2]) * _UNITS[match[3]]
    return found


class Retention:
    """`run` for ever. `kinds` beside those of the records: what others keep of calls."""

    def __init__(self, database: Database, text: str, kinds: Sequence[Kind] = ()) -> None:
        self._database = database
        self._kinds = (*_OWN, *kinds)
        given = read(text, [kind.name for kind in self._kinds])
        self.days: Mapping[str, float] = {kind.name: given.get(kind.name, kind.days) for kind in self._kinds}
        for kind in self._kinds:
            REMOVED.labels(kind.name)

    async def run(self) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.enforce(time.time())
            except ParleyError as e:
                log.warning("what is too old stays for now", error=str(e))
            except Exception as e:
                log.error("what is too old stays for now", error=type(e).__name__, exc_info=e)
            await asyncio.sleep(EVERY_S * random.uniform(0.9, 1.1))  # noqa: S311 - replicas do not look at once

    async def enforce(self, now: float) -> dict[str, int]:
        """Once, at Unix time `now`: kind -> calls of which something was removed. Raises Unavailable."""
        removed = {}
        for kind in self._kinds:
            before_ms, total = int(now * 1000 - self.days[kind.name] * DAY_MS), 0
            while True:
                async with self._database.transaction() as connection:
                    count = await kind.remove(connection, before_ms, TOGETHER)
                total += count
                if count < TOGETHER:
                    break
                await asyncio.sleep(0)
            removed[kind.name] = total
            REMOVED.labels(kind.name).inc(total)
            if total:
                log.info("removed as too old", kind=kind.name, calls=total, days=self.days[kind.name])
        return removed


async def _events(connection: AsyncConnection, before_ms: int, most: int) -> int:
    """Of calls that are over, or that nobody has heard of for so long."""
    kept = tables.records
    has = exists(select(kept.c.n).where(kept.c.call_id == tables.calls.c.call_id))
    found = await _old(connection, before_ms, most, has)
    if found:
        await connection.execute(delete(kept).where(kept.c.call_id.in_(found)))
    return len(found)


async def _transcripts(connection: AsyncConnection, before_ms: int, most: int) -> int:
    lines, tools, texts = tables.lines, tables.tools, tables.texts
    calls = tables.calls
    spoken = exists(select(lines.c.nr).where(lines.c.call_id == calls.c.call_id))
    told = or_(tools.c.arguments_pii != "", tools.c.result_pii != "")
    used = exists(select(tools.c.nr).where(tools.c.call_id == calls.c.call_id, told))
    found = await _old(connection, before_ms, most, or_(spoken, used))
    if found:
        await connection.execute(delete(lines).where(lines.c.call_id.in_(found)))
        await connection.execute(delete(texts).where(texts.c.call_id.in_(found)))
        blank = update(tools).where(tools.c.call_id.in_(found)).values(arguments_pii="", result_pii="")
        await connection.execute(blank)
    return len(found)


async def _records(connection: AsyncConnection, before_ms: int, most: int) -> int:
    found = await _old(connection, before_ms, most)
    if found:
        for table in (*tables.OF_A_CALL, tables.texts, tables.records, tables.calls):
            await connection.execute(delete(table).where(table.c.call_id.in_(found)))
    return len(found)


async def _old(
    connection: AsyncConnection, before_ms: int, most: int, having: ColumnElement[bool] | None = None
) -> list[str]:
    calls = tables.calls
    wanted = calls.c.last_ms < before_ms if having is None else and_(calls.c.last_ms < before_ms, having)
    oldest = select(calls.c.call_id).where(wanted).order_by(calls.c.last_ms).limit(most)
    return list((await connection.execute(oldest)).scalars())


_OWN = (
    Kind("transcripts", DEFAULTS["transcripts"], _transcripts),
    Kind("events", DEFAULTS["events"], _events),
    Kind("records", DEFAULTS["records"], _records),
)
