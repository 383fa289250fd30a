"""Days and times of the day, as callers say them."""

from __future__ import annotations

from datetime import date

import pytest

from parley.text.clocks import by_day, clocks
from parley.text.days import day_said

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("today", "2026-03-02"),
        ("Tomorrow", "2026-03-03"),
        ("the day after tomorrow", "2026-03-04"),
        ("monday", "2026-03-02"),
        ("on Wednesday", "2026-03-04"),
        ("this Friday", "2026-03-06"),
        ("next Wednesday", "2026-03-11"),
        ("Tuesday next week", "2026-03-10"),
        ("next week on Tuesday", "2026-03-10"),
        ("in three days", "2026-03-05"),
        ("in two weeks", "2026-03-16"),
        ("a week from Friday", "2026-03-13"),
        ("March fourth", "2026-03-04"),
        ("the 4th of March", "2026-03-04"),
        ("march 23", "2026-03-23"),
        ("Wednesday, March fourth", "2026-03-04"),
        ("Wednesday the fourth", "2026-03-04"),
        ("on the first", "2026-04-01"),
        ("on the thirty first", "2026-03-31"),
        ("January second", "2027-01-02"),
        ("February twenty ninth", "2028-02-29"),
        ("2026-03-09", "2026-03-09"),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_a_day_is_the_next_one_that_it_may_be(words: str, day: str) -> None:
    assert day_said(words, MONDAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "words",
    ["", "soon", "the weekend", "Tuesday, March fourth", "the thirtieth of February", "2026-02-30", "christmas"],
)
def test_what_is_no_one_day_is_none(words: str) -> None:
    assert day_said(words, MONDAY) is None


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("at half past nine", "09:30"),
        ("ten in the morning", "10:00"),
        ("at three", "15:00"),
        ("at 10 30 oclock", "10:30"),
        ("at fifteen thirty", "15:30"),
        ("sixteen hundred hours", "16:00"),
        ("quarter to nine", "08:45"),
        ("quarter to one", "12:45"),
        ("at noon", "12:00"),
        ("at nine oh five", "09:05"),
        ("nine thirty am", "09:30"),
        ("3pm", "15:00"),
        ("at 11 am", "11:00"),
        ("eight pm", "20:00"),
        ("half past twelve at night", "00:30"),
        ("two at night", "02:00"),
    ],
)
def test_a_time_by_its_words(words: str, at: str) -> None:
    (clock,) = clocks(words)
    assert (by_day(clock), clock.marked) == (at, True)


@pytest.mark.parametrize("words", ["nine", "one", "I have two", "order one two three four"])
def test_a_bare_number_may_be_no_time(words: str) -> None:
    assert not any(clock.marked for clock in clocks(words))


@pytest.mark.parametrize(
    "words", ["at two dollars", "in thirty minutes", "two weeks", "for four people", "at 25 oclock"]
)
def test_a_quantity_is_no_time(words: str) -> None:
    assert clocks(words) == []
