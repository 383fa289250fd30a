"""Figures from a result: computed exactly, and said in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from parley.agents.queries import QueryColumn
from parley.tooling import ToolError
from services.tools.queries.analysis import Asked, Data, analyzed

MONEY = QueryColumn(type="money", unit="dollars")
COLUMNS = {
    "day": QueryColumn(type="date"),
    "amount": MONEY,
    "shop": QueryColumn(),
    "points": QueryColumn(type="integer"),
}
ROWS: list[list[Any]] = [
    ["2025-11-05", 0.1, "Bakery", 3],
    ["2025-11-20", 0.2, "Garage", None],
    ["2026-01-02", 100.25, "Bakery", 5],
    ["2026-02-11", 49.95, "Garage", 1000],
    ["2026-02-12", None, "bakery", 2],
    [None, 5, None, 1],
]


def data(rows: list[list[Any]] | None = None, complete: bool = True) -> Data:
    return Data(COLUMNS, frozenset(COLUMNS), ROWS if rows is None else rows, complete)


@pytest.mark.parametrize(
    ("asked", "value", "words"),
    [
        (Asked("total", "amount"), 155.5, "In total 155.50 dollars."),
        (Asked("total", "points"), 1011, "In total 1,011."),
        (Asked("average", "amount"), 31.1, "On average 31.10 dollars."),
        (Asked("average", "points"), 202.2, "On average 202.2."),
        (Asked("minimum", "amount"), 0.1, "The lowest is 0.10 dollars."),
        (Asked("maximum", "amount"), 100.25, "The highest is 100.25 dollars."),
        (Asked("count"), 6, "There are 6."),
        (Asked("count", "points"), 5, "There are 5."),
    ],
)
def test_one_figure(asked: Asked, value: float, words: str) -> None:
    result = analyzed(data(), asked)
    assert (result["value"], result["summary"]) == (value, words)


def test_cents_are_exact() -> None:
    rows = [["2026-01-01", 0.1, "a", 1]] * 3 + [["2026-01-01", 4_503_599_627.37, "a", 1]] * 3
    assert analyzed(data(rows), Asked("total", "amount"))["summary"] == "In total 13,510,798,882.41 dollars."


@pytest.mark.parametrize(
    ("asked", "groups", "words"),
    [
        (
            Asked("total", "amount", by="shop"),
            {"Bakery": 100.35, "Garage": 50.15},
            "In total by shop: Bakery 100.35 dollars and Garage 50.15 dollars.",
        ),
        (
            Asked("count", by="shop"),
            {"Bakery": 2, "Garage": 2, "bakery": 1},
            "How many by shop: Bakery 2, Garage 2 and bakery 1.",
        ),
        (
            Asked("maximum", "points", by="day"),
            {"2026-02-11": 1000, "2026-01-02": 5, "2025-11-05": 3, "2026-02-12": 2},
            "Maximum by day: 2026-02-11 1,000, 2026-01-02 5, 2025-11-05 3, and 1 more.",
        ),
    ],
)
def test_figures_by_group(asked: Asked, groups: dict[str, float], words: str) -> None:
    result = analyzed(data(), asked)
    assert (result["groups"], result["summary"]) == (groups, words)


@pytest.mark.parametrize(
    ("asked", "series", "words"),
    [
        (
            Asked("trend", "amount"),
            {"2025-11": 0.3, "2025-12": 0, "2026-01": 100.25, "2026-02": 49.95},
            "From November 2025 to February 2026 it went from 0.30 dollars to 49.95 dollars, up 16,550 percent. "
            "The highest was January 2026 with 100.25 dollars.",
        ),
        (
            Asked("trend", "amount", by="day", period="year"),
            {"2025": 0.3, "2026": 150.2},
            "From 2025 to 2026 it went from 0.30 dollars to 150.20 dollars, up 49,967 percent. "
            "The highest was 2026 with 150.20 dollars.",
        ),
        (
            Asked("trend", period="year"),
            {"2025": 2, "2026": 3},
            "From 2025 to 2026 it went from 2 to 3, up 50 percent. The highest was 2026 with 3.",
        ),
    ],
)
def test_a_trend_has_every_period_from_the_first_to_the_last(
    asked: Asked, series: dict[str, float], words: str
) -> None:
    result = analyzed(data(), asked)
    assert list(result["series"].items()) == list(series.items())
    assert result["summary"] == words


def test_trends_of_one_period_and_without_change() -> None:
    one = analyzed(data(ROWS[:2]), Asked("trend", "amount"))
    assert one["summary"] == "All of it is in November 2025: 0.30 dollars."
    same = [["2026-01", 5, "", 1], ["2026-02", 5, "", 1]]
    assert "5 dollars to 5 dollars, no change." in analyzed(data(same), Asked("trend", "amount"))["summary"]
    from_nothing = [["2026-01", 0, "", 1], ["2026-02", 5, "", 1]]
    assert "0 dollars to 5 dollars. The" in analyzed(data(from_nothing), Asked("trend", "amount"))["summary"]


@pytest.mark.parametrize(
    ("asked", "difference", "words"),
    [
        (
            Asked("compare", "amount", first="2025-11", second="2026-02"),
            49.65,
            "November 2025 0.30 dollars, February 2026 49.95 dollars: up 16,550 percent.",
        ),
        (
            Asked("compare", "amount", by="day", first="2026", second="2025"),
            -149.9,
            "2026 150.20 dollars, 2025 0.30 dollars: down 100 percent.",
        ),
        (
            Asked("compare", "amount", by="shop", first="garage", second="Bakery"),
            50.2,
            "Garage 50.15 dollars, Bakery 100.35 dollars: up 100 percent.",
        ),
        (Asked("compare", by="shop", first="Garage", second="Florist"), -2, "Garage 2, Florist 0: down 100 percent."),
    ],
)
def test_two_are_compared(asked: Asked, difference: float, words: str) -> None:
    result = analyzed(data(), asked)
    assert (result["difference"], result["summary"]) == (difference, words)


def test_the_largest() -> None:
    result = analyzed(data(), Asked("top", "amount", n=2))
    assert [entry["value"] for entry in result["top"]] == [100.25, 49.95]
    assert result["summary"] == "The first are 2026-01-02 Bakery 100.25 dollars and 2026-02-11 Garage 49.95 dollars."
    result = analyzed(data(), Asked("top", "amount", by="shop", n=1))
    assert result["top"] == [{"name": "Bakery", "value": 100.35}]
    assert result["summary"] == "First is Bakery 100.35 dollars."


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("total"), "There is no column named; the result has day, amount, shop, points."),
        (Asked("total", "price"), "There is no column price; the result has day, amount, shop, points."),
        (Asked("total", "shop"), "The column shop has no numbers."),
        (Asked("total", by="shop"), "There is no column named"),
        (Asked("top"), "There is no column named"),
        (Asked("trend", "amount", by="shop"), "The column shop has no dates by month."),
        (Asked("compare", "amount", first="2026"), "Say what is to be compared: first and second"),
        (Asked("compare", "amount", first="January", second="2026-02"), "January is no period: write a year as 2026"),
    ],
)
def test_what_cannot_be_computed_is_said(asked: Asked, words: str) -> None:
    with pytest.raises(ToolError) as refused:
        analyzed(data(), asked)
    assert words in str(refused.value)


def test_nothing_is_computed_from_nothing_or_from_a_part() -> None:
    with pytest.raises(ToolError, match="has no rows"):
        analyzed(data([]), Asked("count"))
    with pytest.raises(ToolError, match="not complete"):
        analyzed(data(complete=False), Asked("total", "amount"))
    with pytest.raises(ToolError, match="has no values"):
        analyzed(data([["2026-01-01", None, "x", None]]), Asked("total", "amount"))
    long = [["1900-01-01", 1, "x", 1], ["2026-01-01", 1, "x", 1]]
    with pytest.raises(ToolError, match="1513 periods; at most 60"):
        analyzed(data(long), Asked("trend", "amount"))
    months_of_years = [["2026", 1, "x", 1]]
    with pytest.raises(ToolError, match="no dates by month"):
        analyzed(data(months_of_years), Asked("trend", "amount", by="day"))
