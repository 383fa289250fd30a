"""Long lists, a page at a time. A cursor names the last row that was given and the search it belongs to.

It is no secret and grants nothing: what it says is only ever compared with. It cannot be read as another search's,
for rows would be missing then without a word.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from services.backoffice.api.requests.problems import Problem

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_CURSOR_CHARS = 1000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most", examples=[50])]
Cursor = Annotated[
    str, Query(max_length=MAX_CURSOR_CHARS, description="`next` of the page before; empty: the first page")
]
Item = TypeVar("Item")
Place = tuple[str | int, ...]
"""Of the last row given: the values that the list is ordered by."""


class Page(BaseModel, Generic[Item]):
    """`next` is the cursor of the page that follows; null: this was the last."""

    items: list[Item]
    next: str | None = Field(examples=[None])


def digest(search: Mapping[str, Any]) -> str:
    """Tells searches apart; what is not set does not count."""
    told = {name: str(value) for name, value in sorted(search.items()) if value not in (None, "", False)}
    return sha256(json.dumps(told).encode()).hexdigest()[:12]


def cursor(place: Sequence[str | int], search: Mapping[str, Any]) -> str:
    text = json.dumps([digest(search), *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(cursor: str, search: Mapping[str, Any], kinds: Sequence[type]) -> Place | None:
    """Where to go on; None: at the beginning. `kinds`: of the values. Raises Problem (422)."""
    if not cursor:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(found, list):
            raise ValueError
        theirs, *values = found
        if len(values) != len(kinds) or any(type(v) is not kind for v, kind in zip(values, kinds, strict=True)):
            raise ValueError
        if any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise Problem(422, "is no cursor of this list", field="query.cursor", remedy="give `next` as it came") from None
    if theirs != digest(search):
        raise Problem(
            422,
            "belongs to another search",
            field="query.cursor",
            remedy="give the filters of the first page, or leave the cursor out",
        )
    return tuple(values)


def page(
    items: Sequence[Any], limit: int, search: Mapping[str, Any], places: Sequence[Sequence[str | int]]
) -> dict[str, Any]:
    """A page of `limit` out of `items`, of which one more than that was asked for. `places`: of each item."""
    more = len(items) > limit
    return {"items": list(items[:limit]), "next": cursor(places[limit - 1], search) if more else None}
