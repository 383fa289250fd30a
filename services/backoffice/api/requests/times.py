"""Times as the API takes them: a day or a moment, in UTC unless they say otherwise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from services.backoffice.api.requests.problems import Problem

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEARS = (1970, 9998)


def moment_ms(text: str, field: str, *, end: bool = False) -> int | None:
    """ms since 1970; None: not given. `end`: of a day, its end. Raises Problem (422)."""
    if not text:
        return None
    try:
        day = _DAY.fullmatch(text) is not None
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        if not _YEARS[0] < at.year < _YEARS[1]:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem(
            422,
            f"{text[:40]!r} is no day or moment",
            field=field,
            remedy="write 2026-11-30 or 2026-11-30T09:30:00Z",
        ) from None
    return int((at + timedelta(days=1 if day and end else 0)).timestamp() * 1000)
