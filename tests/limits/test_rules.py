"""What an address may take in which time; all in made-up seconds."""

from __future__ import annotations

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.limits.rules import Rule, Steady, Window
from parley.limits.table import ADDRESSES, LIMITED, Table

API = Window(200, 60.0)
DOOR = Steady(30.0, 20.0)


def taken(table: Table, address: str, times: int, at: float, every: float = 0.0) -> int:
    """How many of so many requests were let through."""
    return sum(table.take(address, at + n * every) == 0.0 for n in range(times))


def test_of_the_api_two_hundred_in_sixty_seconds() -> None:
    table = Table("api", API)
    assert taken(table, "203.0.113.5", 300, 1000.0, 0.1) == 200, "in thirty seconds"
    assert table.take("203.0.113.5", 1031.0) > 0
    assert taken(table, "203.0.113.6", 1, 1031.0) == 1, "another address is another matter"


def test_what_was_taken_before_slides_out_of_sight() -> None:
    table = Table("api", API)
    assert taken(table, "a", 200, 1000.0) == 200
    assert taken(table, "a", 200, 1060.1) == 0
    assert taken(table, "a", 200, 1090.0) == 100, "half of the window before is still in sight"
    assert taken(table, "a", 300, 1300.0) == 200


def test_at_the_door_thirty_a_second_and_twenty_at_once() -> None:
    table = Table("door", DOOR)
    assert taken(table, "a", 50, 10.0) == 20
    assert table.take("a", 10.0) == pytest.approx(1 / 30)
    assert taken(table, "a", 600, 20.0, 1 / 60) in range(315, 322), "twenty, and thirty a second for ten seconds"


def test_a_page_with_its_files_costs_little() -> None:
    table = Table("door", DOOR)
    assert sum(table.take("a", 0.0, 0.05) == 0.0 for _ in range(60)) == 60


def test_being_refused_costs_nothing_and_is_counted() -> None:
    table = Table("refused", Steady(10.0, 10.0))
    before = LIMITED.labels("refused")._value.get()
    assert taken(table, "a", 1000, 5.0) == 10
    assert LIMITED.labels("refused")._value.get() - before == 990
    assert table.take("a", 5.2) == 0.0


def test_without_a_rule_there_is_no_limit() -> None:
    table = Table("none", None)
    assert taken(table, "a", 5000, 0.0) == 5000
    assert len(table) == 0


@given(
    rule=st.sampled_from([API, DOOR, Window(3, 1.0), Steady(0.5, 2.0)]),
    steps=st.lists(st.tuples(st.floats(0, 40), st.floats(0.01, 1.0)), max_size=40),
)
def test_who_waits_as_long_as_he_is_told_is_let_in(rule: Rule, steps: list[tuple[float, float]]) -> None:
    table, now = Table("told", rule), 0.0
    for pause, cost in steps:
        now += pause
        wait = table.take("a", now, cost)
        assert wait >= 0
        if wait:
            now += wait + 1e-6
            assert table.take("a", now, cost) == 0.0


@given(gaps=st.lists(st.floats(0, 0.4), min_size=1, max_size=400))
def test_never_more_in_any_window_than_twice_its_half(gaps: list[float]) -> None:
    """A sliding count is exact where requests come evenly, and is never off by more than a window's worth."""
    table, now, times = Table("any", Window(10, 5.0)), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if table.take("a", now) == 0.0:
            times.append(now)
    for start in times:
        assert sum(start <= at < start + 5.0 for at in times) <= 20


def test_a_flood_from_a_million_addresses_finds_bounded_memory() -> None:
    table = Table("flood", DOOR)
    before = psutil.Process().memory_info().rss
    for n in range(1_000_000):
        table.take(f"{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.9", n / 100_000)
    assert len(table) == ADDRESSES
    assert psutil.Process().memory_info().rss - before < 32 << 20, "a dictionary of them all has 200 MiB"
    assert len(table.heavy(10_000)) <= 4_096


def test_who_floods_is_not_forgotten_in_the_crowd() -> None:
    table = Table("crowd", Window(5, 60.0), addresses=100)
    let_in = 0
    for n in range(10_000):
        table.take(f"10.0.{n // 250}.{n % 250}", n / 1000)
        if n % 50 == 0:
            let_in += table.take("203.0.113.5", n / 1000) == 0.0
    assert let_in == 5
