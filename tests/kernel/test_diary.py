"""Appointments at one counter: notice, opening hours, what is taken, zones, and the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from parley.diary import Diary
from parley.text.opening_hours import OpeningHours, moment
from parley.tooling import ToolError

DENVER, NEW_YORK = ZoneInfo("America/Denver"), ZoneInfo("America/New_York")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHOP = OpeningHours({day: {"opens": "10:00", "closes": "18:00"} if day != "monday" else {} for day in WEEK})
ALWAYS = OpeningHours({day: {"opens": "00:00", "closes": "23:30"} for day in WEEK})


def at(text: str, zone: ZoneInfo = DENVER) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def diary(now: str = "2026-03-02T11:00", *taken: tuple[str, int], hours: OpeningHours = SHOP) -> Diary:
    spans = [(at(begin), at(begin) + timedelta(minutes=minutes)) for begin, minutes in taken]
    return Diary(hours, DENVER, at(now), spans)


def test_a_free_time_is_taken_as_it_is() -> None:
    made = diary()
    start = made.wanted("wednesday", "14:30")
    assert start == at("2026-03-04T14:30")
    assert made.nearest(start, 30) == (start, "")
    made.admit(start, 30)


@pytest.mark.parametrize(
    ("day", "clock", "why", "instead"),
    [
        ("tuesday", "11:00", "I am sorry, eleven in the morning is taken.", "2026-03-03T10:30"),
        ("tuesday", "10:15", "Appointments begin every thirty minutes.", "2026-03-03T10:00"),
        ("tuesday", "08:00", "On Tuesday we are open from ten in the morning to six", "2026-03-03T10:00"),
        ("tuesday", "18:00", "On Tuesday we are open from ten in the morning to six", "2026-03-03T17:30"),
        ("next monday", "10:00", "We are closed on Monday.", "2026-03-10T10:00"),
        ("today", "09:00", "That time is over.", "2026-03-03T10:00"),
        ("today", "12:00", "That is too soon: we need two hours' notice.", "2026-03-03T10:00"),
        ("2026-06-02", "10:00", "That is too far ahead: we book up to sixty days ahead.", None),
    ],
)
def test_another_is_proposed_with_the_reason(day: str, clock: str, why: str, instead: str | None) -> None:
    made = diary("2026-03-02T11:00", ("2026-03-03T11:00", 30))
    wanted = made.wanted(day, clock)
    if instead is None:
        with pytest.raises(ToolError, match=f"{why} I find nothing free near that"):
            made.nearest(wanted, 30)
        return
    start, told = made.nearest(wanted, 30)
    assert start == at(instead)
    assert told.startswith(why)
    assert "Free are" in told
    with pytest.raises(ToolError, match="Which one would you like"):
        made.admit(wanted, 30)


def test_a_long_one_needs_room_on_both_sides() -> None:
    made = diary("2026-03-02T11:00", ("2026-03-03T12:00", 60), ("2026-03-03T10:00", 30))
    assert not made.nearest(at("2026-03-03T11:00"), 60)[1]
    for start in ("2026-03-03T11:30", "2026-03-03T12:30", "2026-03-03T10:00"):
        assert "taken" in made.nearest(at(start), 60)[1], start
    assert "open from ten" in made.nearest(at("2026-03-03T17:30"), 60)[1], "it would end after closing"


def test_who_takes_a_while_to_say_yes_has_not_lost_the_notice() -> None:
    made = diary("2026-03-03T10:10")
    with pytest.raises(ToolError, match="too soon"):
        made.admit(at("2026-03-03T11:30"), 30)
    made.admit(at("2026-03-03T12:00"), 30)
    assert "too soon" in made.nearest(at("2026-03-03T12:00"), 30)[1]


def test_three_my_time_is_another_day_and_hour_at_the_shop() -> None:
    made = diary("2026-03-02T23:00")  # Tuesday already in New York
    assert made.wanted("wednesday", "15:00", NEW_YORK) == at("2026-03-04T13:00")
    assert made.wanted("tomorrow", "00:30", NEW_YORK) == at("2026-03-03T22:30")
    assert made.wanted("tomorrow", "00:30") == at("2026-03-03T00:30")


def test_a_time_that_the_spring_leaves_out() -> None:
    made = diary("2026-03-06T12:00", hours=ALWAYS)
    with pytest.raises(ToolError, match="There is no such time that day, since the clocks go forward"):
        made.wanted("sunday", "02:30")
    starts = ALWAYS.starts(date(2026, 3, 8), DENVER, 30, 30)
    assert [f"{start:%H:%M}" for start in starts[:6]] == ["00:00", "00:30", "01:00", "01:30", "03:00", "03:30"]
    gaps = {b.astimezone(UTC) - a.astimezone(UTC) for a, b in zip(starts, starts[1:], strict=False)}
    assert gaps == {timedelta(minutes=30)}
    assert made.wanted("sunday", "04:30", NEW_YORK) == at("2026-03-08T01:30"), "New York is two hours ahead by then"


def test_a_time_that_comes_twice_in_autumn_is_the_earlier_one() -> None:
    made = diary("2026-10-30T12:00", hours=ALWAYS)
    start = made.wanted("sunday", "01:30")
    assert start.astimezone(UTC) == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    booked = Diary(ALWAYS, DENVER, made.now, [(start.astimezone(UTC), start.astimezone(UTC) + timedelta(minutes=30))])
    assert "taken" in booked.nearest(start, 30)[1]
    after = booked.wanted("sunday", "02:00")
    assert after.astimezone(UTC) == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert not booked.nearest(after, 30)[1]


def test_moments_of_a_zone() -> None:
    assert moment(date(2026, 3, 8), datetime(1, 1, 1, 2, 30).time(), DENVER) is None
    assert moment(date(2026, 7, 1), datetime(1, 1, 1, 2, 30).time(), DENVER) == at("2026-07-01T02:30")


@pytest.mark.parametrize(("day", "clock", "words"), [("soon", "10:00", "the day"), ("tuesday", "later", "the time")])
def test_what_is_not_understood_is_asked_for(day: str, clock: str, words: str) -> None:
    with pytest.raises(ToolError, match=f"I did not get {words}"):
        diary().wanted(day, clock)
