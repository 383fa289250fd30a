"""The list of calls as a file: CSV, or JSON. Streamed page by page; of a bounded length."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from services.backoffice.api.calls.shapes import CallRow

MOST = 10_000
PAGE = 500
COLUMNS = tuple(CallRow.model_fields)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Pages = AsyncIterator[Sequence[dict[str, Any]]]


def csv_lines(rows: Sequence[dict[str, Any]], *, head: bool = False) -> bytes:
    """What begins like a formula of a spreadsheet gets a `'` before it: others open this file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if head:
        writer.writerow(COLUMNS)
    writer.writerows([[_cell(row.get(name)) for name in COLUMNS] for row in rows])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


async def as_csv(pages: Pages) -> AsyncIterator[bytes]:
    yield csv_lines([], head=True)
    async for rows in pages:
        yield csv_lines(rows)


async def as_json(pages: Pages) -> AsyncIterator[bytes]:
    """One array, an item a line."""
    before = b"[\n"
    async for rows in pages:
        for row in rows:
            yield before + orjson.dumps(row)
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
