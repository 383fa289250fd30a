"""How engines did lately, out of a process's own metrics."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from parley.engines.figures import EVERY_S, WINDOW_S, Recent, quantile, together


def test_the_window_moves_and_figures_before_it_do_not_count() -> None:
    registry, now = CollectorRegistry(), [0.0]
    latency = Histogram("a_ms", "x", ["engine"], buckets=(100, 200, 400), registry=registry)
    errors = Counter("b", "x", ["engine", "error"], registry=registry)
    recent = Recent(latency, errors, lambda: now[0])
    for ms in (50, 150, 150, 350):
        latency.labels("fast").observe(ms)
    errors.labels("fast", "VendorLost").inc()
    errors.labels("slow", "TooLate").inc(2)
    now[0] = EVERY_S
    found = recent.look()
    assert (found["fast"].count, found["fast"].errors, found["slow"].count, found["slow"].errors) == (4, 1, 0, 2)
    assert found["fast"].quantile(0.5) == pytest.approx(150)
    assert found["slow"].quantile(0.5) is None
    now[0] = WINDOW_S / 2
    recent.look()
    latency.labels("fast").observe(350)
    now[0] = WINDOW_S + EVERY_S + 1
    found = recent.look()
    assert (found["fast"].count, found["fast"].errors) == (1, 0)


def test_quantiles_lie_between_bounds_and_those_above_the_last_are_told_as_the_last() -> None:
    histogram = {"100.0": 0, "200.0": 10, "+Inf": 10}
    assert quantile(histogram, 0.5) == pytest.approx(150)
    assert quantile(histogram, 1.0) == pytest.approx(200)
    assert quantile({"100.0": 0, "+Inf": 3}, 0.5) == 100
    assert quantile({}, 0.5) is None
    assert together([{"100.0": 1, "+Inf": 2}, {"100.0": 2, "+Inf": 2}]) == {"100.0": 3, "+Inf": 4}
