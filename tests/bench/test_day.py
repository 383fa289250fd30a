"""Days of calls against the scaling rule: small ones, with replicas that take four calls."""

from __future__ import annotations

from dataclasses import replace

from bench.day.__main__ import table
from bench.day.picture import picture
from bench.day.run import RULE, SERVICES, WAYS, WITHOUT_DRAIN, play
from bench.day.traffic import DEVELOPED
from cli.sizing.figures import PROFILES

SMALL = {name: replace(PROFILES["cloud"][name], calls=4) for name in SERVICES}


def test_a_days_calls_are_not_cut_and_take_fewer_pods_than_a_static_fleet() -> None:
    day = DEVELOPED[0]
    static, ruled, stopped = (play(day, way, 30, SMALL) for way in (WAYS[0], RULE, WITHOUT_DRAIN))
    assert ruled.cut == static.cut == 0
    assert stopped.cut > 0, "a fleet that does not drain must cut calls, or the figure says nothing"
    assert ruled.moved > 0
    assert ruled.calls == static.calls > 1000
    assert ruled.refused + ruled.waited < ruled.calls / 100
    assert ruled.hours < 0.8 * static.hours
    assert f"| {day.name} |" in table([static, ruled])
    assert picture(ruled, static).count("<polyline") == 3
