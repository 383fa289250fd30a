"""When a number is answered, and what becomes of a call outside of that. Pure: the time is an argument.

    zone: Europe/Madrid
    week:
      monday: [{opens: "09:00", closes: "13:30"}, {opens: "15:00", closes: "18:00"}]
      friday: [{opens: "22:00", closes: "02:00"}]
    holidays: {"2026-12-24": [{opens: "09:00", closes: "12:00"}], "12-25": []}
    outside: {say: "We are closed. Please call on weekdays from nine. Goodbye."}

A day that is not named is closed; what closes before it opens closes on the next day. A holiday counts instead of its
weekday, with a year or in every year. Times are those of the zone's own clocks, also where these jump.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from parley.errors import Misconfigured
from parley.text.days import WEEKDAYS

MAX_SPANS = 6
"""Of one day."""
MAX_HOLIDAYS = 200
MAX_SAY = 500
_E164 = r"\+[1-9][0-9]{6,14}"
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_EVERY_YEAR = 2000
"""A leap year: 02-29 is a day."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Strict):
    """From when to when, `HH:MM`; up to 24:00."""

    opens: str
    closes: str

    @field_validator("opens", "closes")
    @classmethod
    def _a_time(cls, value: str) -> str:
        if not _TIME.fullmatch(value):
            raise ValueError("a time of day, such as 09:00, up to 24:00")
        return value

    @model_validator(mode="after")
    def _some_time(self) -> Span:
        if self.opens == self.closes or self.opens == "24:00":
            raise ValueError("it opens and closes at the same time; 00:00 to 24:00 is all day")
        return self

    @property
    def opens_min(self) -> int:
        return _minutes(self.opens)

    @property
    def closes_min(self) -> int:
        """Minutes after the midnight that its day begins with; over 24 hours: on the next day."""
        closes = _minutes(self.closes)
        return closes if closes > self.opens_min else closes + 24 * 60


class Outside(_Strict):
    """What becomes of a call: another agent answers, or the caller is told something and connected to a number, or told
    and let go."""

    agent: str = Field("", max_length=100)
    say: str = Field("", max_length=MAX_SAY)
    transfer: str = Field("", pattern=f"^({_E164})?$")

    @model_validator(mode="after")
    def _one_of_them(self) -> Outside:
        if self.agent and (self.say or self.transfer):
            raise ValueError("an agent answers, or something is said; not both")
        if not (self.agent or self.say or self.transfer):
            raise ValueError("name what happens: an agent, something to say, or a number to transfer to")
        return self


class Hours(_Strict):
    """Of one row of the table of numbers."""

    zone: str
    week: dict[str, tuple[Span, ...]] = Field(max_length=7)
    holidays: dict[str, tuple[Span, ...]] = Field(default_factory=dict, max_length=MAX_HOLIDAYS)
    outside: Outside

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone is called so; such as Europe/Madrid or America/New_York") from None
        return value

    @field_validator("week")
    @classmethod
    def _days(cls, value: dict[str, tuple[Span, ...]]) -> dict[str, tuple[Span, ...]]:
        for day, spans in value.items():
            if day not in WEEKDAYS:
                raise ValueError(f"{day[:20]!r} is no day; monday to sunday")
            _not_too_many(spans)
        return value

    @field_validator("holidays")
    @classmethod
    def _dates(cls, value: dict[str, tuple[Span, ...]]) -> dict[str, tuple[Span, ...]]:
        for day, spans in value.items():
            try:
                date.fromisoformat(day if len(day) == 10 else f"{_EVERY_YEAR}-{day}")
            except ValueError:
                raise ValueError(f"{day[:20]!r} is no date; 2026-12-24, or 12-25 for every year") from None
            _not_too_many(spans)
        return value

    def of(self, day: date) -> tuple[Span, ...]:
        """When it is open on that day."""
        for key in (day.isoformat(), day.isoformat()[5:]):
            if key in self.holidays:
                return self.holidays[key]
        return self.week.get(WEEKDAYS[day.weekday()], ())

    def is_open(self, now: datetime) -> bool:
        """`now`: with a zone, whichever. Raises Misconfigured: this machine does not know the number's."""
        local = self.local(now)
        at, day = local.hour * 60 + local.minute, local.date()
        if any(span.opens_min <= at < span.closes_min for span in self.of(day)):
            return True
        return any(at + 24 * 60 < span.closes_min for span in self.of(day - timedelta(1)))

    def local(self, now: datetime) -> datetime:
        try:
            return now.astimezone(ZoneInfo(self.zone))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Misconfigured(f"zone: {self.zone} is not known on this machine; install tzdata") from None

    def opens_next(self, now: datetime) -> datetime | None:
        """When it opens again, within two weeks; None: it does not, or is open."""
        if self.is_open(now):
            return None
        local = self.local(now)
        for days in range(15):
            day = local.date() + timedelta(days)
            for span in sorted(self.of(day), key=lambda span: span.opens_min):
                at = datetime.combine(day, time(span.opens_min // 60, span.opens_min % 60), local.tzinfo)
                if at > local:
                    return at
        return None


def _not_too_many(spans: tuple[Span, ...]) -> None:
    if len(spans) > MAX_SPANS:
        raise ValueError(f"at most {MAX_SPANS} times a day")


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
