"""When a place is open: told in words, and the times of a day at which something may begin there. English; pure.

Days and times are those of the place's own zone, whatever its clocks do: a time that a spring night leaves out is none,
and of one that comes twice in autumn it is the earlier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from parley.text import telling
from parley.text.days import WEEKDAYS


def moment(day: date, at: time, zone: tzinfo) -> datetime | None:
    """That time of that day there; None: the clocks leave it out."""
    found = datetime.combine(day, at, zone)
    return found if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at) else None


@dataclass(frozen=True)
class OpeningHours:
    """`by_day`: `{"monday": {"opens": "10:00", "closes": "18:00"}, "tuesday": {}}`; a day without hours is closed."""

    by_day: Mapping[str, Mapping[str, str]]

    def of(self, day: date) -> tuple[time, time] | None:
        """From when to when; None: closed."""
        span = self.by_day.get(WEEKDAYS[day.weekday()]) or {}
        return (time.fromisoformat(span["opens"]), time.fromisoformat(span["closes"])) if span else None

    def starts(self, day: date, zone: tzinfo, minutes: int, every: int) -> list[datetime]:
        """When something of so many minutes may begin, each `every` minutes from the opening on."""
        if (span := self.of(day)) is None:
            return []
        at, end = (datetime.combine(day, side) for side in span)
        found = []
        while at + timedelta(minutes=minutes) <= end:
            found.append(moment(day, at.time(), zone))
            at += timedelta(minutes=every)
        return [start for start in found if start is not None]

    def opened(self, day: date, nth: int) -> date:
        """The nth day after this one on which the place is open. Some day it must be."""
        assert any(self.by_day.values())
        while nth:
            day += timedelta(1)
            nth -= self.of(day) is not None
        return day

    def now(self, now: datetime) -> str:
        """ "Right now we are open, until six in the evening." """
        span = self.of(now.date())
        if span and span[0] <= now.time() < span[1]:
            return f"Right now we are open, until {telling.clock(span[1])}."
        return "Right now we are closed."

    def on(self, weekday: str) -> str:
        """ "On Saturday we are open from nine in the morning to five in the afternoon." """
        if not (span := self.by_day.get(weekday)):
            return f"We are closed on {weekday.title()}."
        opens, closes = (telling.clock(time.fromisoformat(span[side])) for side in ("opens", "closes"))
        return f"On {weekday.title()} we are open from {opens} to {closes}."

    def week(self) -> str:
        """All days, those with the same hours together."""
        groups: dict[str, list[str]] = {}
        for weekday in WEEKDAYS:
            span = self.by_day.get(weekday)
            words = f"from {_plain(span['opens'])} to {_plain(span['closes'])}" if span else ""
            groups.setdefault(words, []).append(weekday.title())
        closed = groups.pop("", [])
        opened = "; ".join(f"{_all(days)} {words}" for words, days in groups.items())
        return f"We are open {opened}." + (f" We are closed on {_all(closed)}." if closed else "")


def _plain(at: str) -> str:
    """Without the part of the day."""
    return telling.clock(time.fromisoformat(at)).partition(" in the ")[0]


def _all(days: Sequence[str]) -> str:
    return telling.value(list(days))
