"""The rule by which replicas are counted: what must hold whatever the figures are."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.scaling.rule import NUMBERS, Numbers, arriving, forecast, holding, need, needed, per_call, scaled, wanted
from services.gateway.house import FRESH_SHARE

FEW = settings(max_examples=40, deadline=None, database=None)
calls = st.integers(0, 20_000)
arrivals = st.floats(0, 200)
lengths = st.floats(NUMBERS.shortest_s, NUMBERS.longest_s)
capacities = st.integers(1, 1000)


def test_another_replica_is_asked_for_before_the_gateway_says_that_it_is_full() -> None:
    assert NUMBERS.fill < FRESH_SHARE
    for capacity in (10, 250):
        for replicas in range(1, 40):
            assert wanted([needed(replicas * capacity * FRESH_SHARE, capacity)]) > replicas


@FEW
@given(calls, arrivals, lengths)
def test_a_forecast_is_never_less_than_what_is_there_and_rises_with_what_comes(
    now: int, begun: float, length: float
) -> None:
    assert forecast(now, begun, length) >= now
    assert forecast(now, begun + 1, length) >= forecast(now, begun, length)
    assert forecast(now + 1, begun, length) >= forecast(now, begun, length)


@FEW
@given(arrivals, arrivals, arrivals)
def test_what_has_risen_is_expected_to_rise_on_and_chance_is_not_taken_for_it(
    now: float, before: float, long: float
) -> None:
    expected = arriving(now, before, long)
    assert expected >= max(now, long)
    if now <= before:
        assert expected == max(now, long)
    if now > long and now - before > 4 * math.sqrt((now + before) / NUMBERS.arrivals_s):
        assert expected > now


@FEW
@given(st.floats(0.01, 100), lengths)
def test_in_the_long_run_the_forecast_is_erlangs(begun: float, length: float) -> None:
    """Long after everybody of now has left there are `begun * length` calls, with the spread of a Poisson number."""
    mean = begun * length
    assert math.isclose(forecast(0, begun, length, Numbers(lead_s=1e6)), mean + 3 * math.sqrt(mean))


@FEW
@given(st.integers(0, 50_000), capacities)
def test_new_calls_find_room_and_a_replica_may_be_lost(streams: int, capacity: int) -> None:
    replicas = needed(streams, capacity)
    assert replicas * capacity * NUMBERS.fill >= streams * (1 - 1e-9)
    assert (replicas - 1) * capacity >= streams
    assert replicas <= streams / (capacity * NUMBERS.fill) + 2


@FEW
@given(st.integers(0, 5000), st.floats(0, 1.5), st.floats(0, 5000))
def test_what_is_in_use_is_always_needed(calls: int, each: float, load: float) -> None:
    assert need(calls, each, load) >= max(load, each * calls)


@FEW
@given(st.lists(st.integers(1, 90), min_size=1, max_size=40), st.integers(1, 100))
def test_no_tolerance_leaves_an_autoscaler_below_what_was_needed(lately: list[int], now: int) -> None:
    asked = wanted(lately)
    assert asked >= max(*lately, NUMBERS.least)
    for _ in range(3):
        now = scaled(now, asked, since_down_s=1e9)
    assert now >= min(max(lately), NUMBERS.most)


@FEW
@given(st.integers(1, 100), st.integers(1, 100), st.floats(0, 1000))
def test_replicas_come_at_once_and_leave_one_by_one(now: int, asked: int, since: float) -> None:
    after = scaled(now, asked, since)
    assert after in (now, max(now, asked), now - 1)
    assert after >= min(now, asked)
    if since < NUMBERS.down_every_s:
        assert after >= now


def test_what_is_not_known_yet_is_assumed() -> None:
    assert holding(0, 0) == holding(0, 2) == NUMBERS.holding_s
    assert holding(5, 0) == NUMBERS.longest_s
    assert holding(600, 3) == 200
    assert per_call(3, 0) == 1
    assert per_call(300, 600) == 0.5
    assert wanted([1]) == NUMBERS.least
    assert wanted([5000]) == NUMBERS.most
