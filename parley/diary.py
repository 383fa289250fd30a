"""Appointments at one counter, for an agent's tools: which time is meant, whether it can be had, and what else can.

Pure. Words are English and for the caller. All starts are in the counter's own zone; who gives a time in another one is
understood there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from parley.text import telling
from parley.text.clocks import by_day, clocks
from parley.text.days import WEEKDAYS, day_said
from parley.text.opening_hours import OpeningHours, moment
from parley.text.spoken import normalise
from parley.tooling import ToolError

LOOKED_AHEAD = 14
"""Days in which another time is looked for."""
OFFERED = 3
GRACE_MIN = 15
"""Of the notice, for a caller who takes a while to say yes."""


@dataclass(frozen=True)
class Diary:
    """`now` is in the counter's zone. `taken`: from when to when somebody has it, aware. Appointments begin every
    `every_min` minutes from the opening on, `lead_min` minutes to `ahead_days` days from now.
    """

    hours: OpeningHours
    zone: tzinfo
    now: datetime
    taken: Sequence[tuple[datetime, datetime]] = ()
    every_min: int = 30
    lead_min: int = 120
    ahead_days: int = 60

    def wanted(self, day: str, at: str, zone: tzinfo | None = None) -> datetime:
        """When that is. Raises ToolError: no day, no time, or one that the clocks leave out that day."""
        theirs = zone or self.zone
        on = day_said(day, self.now.astimezone(theirs).date())
        if on is None:
            raise ToolError("I did not get the day. Which date would you like, such as Tuesday, March third?")
        clock = telling.time_of(at) or next((telling.time_of(by_day(each)) for each in clocks(normalise(at))), None)
        if clock is None:
            raise ToolError("I did not get the time. At what time would you like to come?")
        if (found := moment(on, clock, theirs)) is None:
            raise ToolError("There is no such time that day, since the clocks go forward. Which other time suits you?")
        return found.astimezone(self.zone)

    def admit(self, start: datetime, minutes: int) -> None:
        """Raises ToolError: it can not be had, in words that offer others."""
        if why := self._against(start, minutes, GRACE_MIN):
            others = self._near(start, minutes)
            raise ToolError(f"{why} {_free(others)} Which one would you like?" if others else why)

    def nearest(self, start: datetime, minutes: int) -> tuple[datetime, str]:
        """The free time that is nearest to it, and why it is another; "": it is this one. Raises ToolError: none."""
        if not (why := self._against(start, minutes)):
            return start, ""
        if not (found := self._near(start, minutes)):
            raise ToolError(f"{why} I find nothing free near that. Which other day would suit you?")
        return found[0], f"{why} {_free(found)}"

    def _against(self, start: datetime, minutes: int, grace_min: int = 0) -> str:
        """Why it can not be had; "" if it can."""
        if start < self.now:
            return "That time is over."
        if not self._in_time(start, grace_min):
            if start > self.now + timedelta(self.ahead_days):
                return f"That is too far ahead: we book up to {telling.cardinal(self.ahead_days)} days ahead."
            return f"That is too soon: we need {_notice(self.lead_min)} notice."
        if (span := self.hours.of(start.date())) is None:
            return self.hours.on(WEEKDAYS[start.weekday()])
        if start not in self._starts(start.date(), minutes):
            off = (start.hour - span[0].hour) * 60 + start.minute - span[0].minute
            if span[0] <= start.time() < span[1] and off % self.every_min:
                return f"Appointments begin every {telling.cardinal(self.every_min)} minutes."
            return self.hours.on(WEEKDAYS[start.weekday()])
        return "" if self._is_free(start, minutes) else f"I am sorry, {telling.clock(start.time())} is taken."

    def _in_time(self, start: datetime, grace_min: int = 0) -> bool:
        soonest = self.now + timedelta(minutes=self.lead_min - grace_min)
        return soonest <= start <= self.now + timedelta(self.ahead_days)

    def _starts(self, day: date, minutes: int) -> list[datetime]:
        return self.hours.starts(day, self.zone, minutes, self.every_min)

    def _is_free(self, start: datetime, minutes: int) -> bool:
        begin = start.astimezone(UTC)
        return all(end <= begin or begin + timedelta(minutes=minutes) <= other for other, end in self.taken)

    def _near(self, start: datetime, minutes: int) -> list[datetime]:
        """Free times: of that day the two nearest, the nearer one first, then the first ones of later days."""
        found: list[datetime] = []
        first = max(start, self.now).date()
        for day in (first + timedelta(ahead) for ahead in range(LOOKED_AHEAD)):
            free = [s for s in self._starts(day, minutes) if self._in_time(s) and self._is_free(s, minutes)]
            found += sorted(free, key=lambda each: abs(each - start))[:2] if day == start.date() else free[:1]
            if len(found) >= OFFERED:
                break
        return found[:OFFERED]


def _notice(minutes: int) -> str:
    if minutes % 60:
        return f"{telling.cardinal(minutes)} minutes'"
    return "an hour's" if minutes == 60 else f"{telling.cardinal(minutes // 60)} hours'"


def _free(starts: Sequence[datetime]) -> str:
    told = [f"{start:%A} at {telling.clock(start.time())}" for start in starts]
    return f"Free {'are' if len(told) > 1 else 'is'} {telling.value(told)}."
