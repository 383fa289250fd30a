"""How growth is told from noise."""

from __future__ import annotations

import math

import pytest

from bench.soak.samples import Sample, growth, table


def test_a_leak_is_a_slope_and_what_is_flat_is_none() -> None:
    noise = [0.5, -0.5] * 30
    taken = [Sample(n * 60.0, (100.0 + n + noise[n], math.nan, 20.0 + noise[n])) for n in range(60)]
    leaking, flat = growth(taken, 0, 600.0), growth(taken, 2, 600.0)
    assert leaking is not None
    assert flat is not None
    assert leaking.per_hour == pytest.approx(60.0, abs=1.0)
    assert leaking.first < leaking.last
    assert abs(flat.per_hour) < 3 * flat.error
    assert growth(taken, 1, 600.0) is None, "what has no tasks has no slope of them"
    assert "| stt | 112 → 156 → 158 | +60" in table({"stt": taken}, 600.0)
