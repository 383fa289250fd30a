"""Stretches of days that people speak of: "last month", "october", "this year", and the one before. English; pure."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = [name.lower() for name in calendar.month_name]
_NAMED = re.compile(rf"({'|'.join(_MONTHS[1:])})(?: (?:of )?(20\d\d))?")
_WRITTEN = re.compile(r"(20\d\d)-(\d\d?)")
_LEAD = re.compile(r"^(?:(?:in|during|for|over|of|the) )+")


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day, both in it, and how it is said: "in October". What is to come is not in it."""

    first: date
    last: date
    words: str


def period_said(words: str, today: date) -> Period | None:
    """ "this month" (so far), "last month", "this year", "last year", "last 30 days", "2025", "2025-10", "october", the
    newest that has begun. None: anything else.
    """
    text = _LEAD.sub("", " ".join(words.lower().split()))
    if text in ("this month", ""):
        return Period(month(today), today, "this month")
    if text == "last month":
        first = month(today, -1)
        return Period(first, end(first), f"in {first:%B}")
    if text in ("last 30 days", "last thirty days"):
        return Period(today - timedelta(29), today, "in the last thirty days")
    years = {"this year": today.year, "last year": today.year - 1}
    if text in years or re.fullmatch(r"20\d\d", text):
        year = years.get(text) or int(text)
        return Period(date(year, 1, 1), min(today, date(year, 12, 31)), text if text in years else f"in {year}")
    if named := _NAMED.fullmatch(text):
        number = _MONTHS.index(named[1])
        return _of(int(named[2] or today.year - (number > today.month)), number, today)
    if written := _WRITTEN.fullmatch(text):
        return _of(int(written[1]), int(written[2]), today)
    return None


def before(period: Period) -> Period:
    """What it is fairly compared with: the month or the year before, or as many days of it as there are in this one."""
    first, last = period.first, period.last
    if period.words == "in the last thirty days":
        return Period(first - timedelta(30), first - timedelta(1), "in the thirty days before")
    if period.words.endswith("year") or period.words == f"in {first.year}":
        until = last.replace(year=last.year - 1, day=min(last.day, 28) if last.month == 2 else last.day)
        return Period(first.replace(year=first.year - 1), until, "in the same time of the year before")
    earlier = month(first, -1)
    if last == end(first):
        return Period(earlier, end(earlier), f"in {earlier:%B}")
    return Period(earlier, min(end(earlier), earlier + (last - first)), f"in the same days of {earlier:%B}")


def month(on: date, ahead: int = 0) -> date:
    """The first day of its month, or of one so many later."""
    years, number = divmod(on.month - 1 + ahead, 12)
    return date(on.year + years, number + 1, 1)


def end(first: date) -> date:
    """The last day of its month."""
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _of(year: int, number: int, today: date) -> Period | None:
    if not 1 <= number <= 12:
        return None
    first = date(year, number, 1)
    words = f"in {first:%B}{f' {year}' if year != today.year else ''}"
    return Period(first, max(first, min(end(first), today)), words)
