"""Stretches of days as people name them, and what they are compared with."""

from __future__ import annotations

from datetime import date

import pytest

from parley.text.periods import before, end, month, period_said

YEAR_BEFORE = "in the same time of the year before"
TODAY = date(2026, 3, 16)


@pytest.mark.parametrize(
    ("said", "days", "words", "days_before", "words_before"),
    [
        ("this month", "2026-03-01 2026-03-16", "this month", "2026-02-01 2026-02-16", "in the same days of February"),
        ("", "2026-03-01 2026-03-16", "this month", "2026-02-01 2026-02-16", "in the same days of February"),
        ("in the last month", "2026-02-01 2026-02-28", "in February", "2026-01-01 2026-01-31", "in January"),
        ("January", "2026-01-01 2026-01-31", "in January", "2025-12-01 2025-12-31", "in December"),
        ("october", "2025-10-01 2025-10-31", "in October 2025", "2025-09-01 2025-09-30", "in September"),
        ("march", "2026-03-01 2026-03-16", "in March", "2026-02-01 2026-02-16", "in the same days of February"),
        ("october 2024", "2024-10-01 2024-10-31", "in October 2024", "2024-09-01 2024-09-30", "in September"),
        ("2025-10", "2025-10-01 2025-10-31", "in October 2025", "2025-09-01 2025-09-30", "in September"),
        ("this year", "2026-01-01 2026-03-16", "this year", "2025-01-01 2025-03-16", YEAR_BEFORE),
        ("last year", "2025-01-01 2025-12-31", "last year", "2024-01-01 2024-12-31", YEAR_BEFORE),
        ("2024", "2024-01-01 2024-12-31", "in 2024", "2023-01-01 2023-12-31", YEAR_BEFORE),
        (
            "the last 30 days", "2026-02-15 2026-03-16", "in the last thirty days",
            "2026-01-16 2026-02-14", "in the thirty days before",
        ),
    ],
)  # fmt: skip
def test_a_period(said: str, days: str, words: str, days_before: str, words_before: str) -> None:
    period = period_said(said, TODAY)
    assert period is not None
    assert (f"{period.first} {period.last}", period.words) == (days, words)
    earlier = before(period)
    assert (f"{earlier.first} {earlier.last}", earlier.words) == (days_before, words_before)


@pytest.mark.parametrize("said", ["when i was young", "2026-13", "octember", "99", "last decade"])
def test_no_period(said: str) -> None:
    assert period_said(said, TODAY) is None


def test_the_end_of_a_leap_february_is_compared_with_its_year_before() -> None:
    this_year = period_said("this year", date(2028, 2, 29))
    assert this_year is not None
    assert str(before(this_year).last) == "2027-02-28"


def test_months_over_the_turn_of_the_year() -> None:
    assert str(month(date(2026, 1, 31), -2)) == "2025-11-01"
    assert str(end(month(date(2026, 1, 31), 1))) == "2026-02-28"
