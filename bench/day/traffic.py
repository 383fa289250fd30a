"""Days: when calls begin and how long they last. Made up by curve and chance; the same number gives the same day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DAY_S = 24 * 3600
LONGEST_S = 7200.0

Points = Sequence[tuple[float, float]]
"""Hour, and share of the day's highest rate; between two of them a straight line."""


@dataclass(frozen=True, slots=True)
class Day:
    """`mean_s`: length of a call, and `spread` of its logarithm. `seed`: of chance."""

    name: str
    about: str
    points: Points
    mean_s: float
    spread: float
    seed: int

    def calls(self, peak: float) -> tuple[np.ndarray, np.ndarray]:
        """Beginnings in order, s since midnight, and lengths, s; about `peak` calls are open at the highest rate."""
        chance = np.random.default_rng(self.seed)
        hours, shares = zip(*self.points, strict=True)
        seconds = np.arange(DAY_S)
        rate = np.interp(seconds / 3600, hours, shares) * peak / self.mean_s
        begun = np.repeat(seconds, chance.poisson(rate))
        begun = np.sort(begun + chance.random(len(begun)))
        scale = np.log(self.mean_s) - self.spread**2 / 2
        return begun, np.minimum(chance.lognormal(scale, self.spread, len(begun)), LONGEST_S)


_WEEKDAY: Points = (
    *((0, 0.04), (5, 0.03), (7, 0.15), (8, 0.55), (9, 0.9), (10.5, 1.0), (12, 0.8), (13, 0.75), (15, 0.95)),
    *((17, 0.8), (19, 0.4), (22, 0.12), (24, 0.04)),
)


def _with(extra: Points) -> Points:
    """The weekday, with this in the place of what lies between its first hour and its last."""
    first, last = extra[0][0], extra[-1][0]
    before = [point for point in _WEEKDAY if point[0] < first]
    return (*before, *extra, *(point for point in _WEEKDAY if point[0] > last))


MINUTE = 1 / 60

DEVELOPED = (
    Day("weekday", "up in the morning, two humps", _WEEKDAY, 180, 0.8, seed=1),
    Day(
        "opening time",
        "nobody before eight, everybody within ten minutes",
        ((0, 0.02), (7.98, 0.02), (8.15, 1.0), (9, 0.8), (12, 0.6), (17, 0.5), (18, 0.05), (24, 0.02)),
        *(180, 0.8),
        seed=2,
    ),
)
HELD_OUT = (
    Day(
        "an advert",
        "weekday, and at 20:15 within a minute twice what the whole day's height was, for eight",
        _with(((20.25, 0.3), (20.25 + MINUTE, 2.0), (20.25 + 8 * MINUTE, 2.0), (20.6, 0.3))),
        *(150, 0.7),
        seed=11,
    ),
    Day(
        "a storm",
        "from 14:00 on two and a half times as many within 20 minutes, who speak seven minutes",
        _with(((14, 0.8), (14 + 20 * MINUTE, 2.2), (16, 2.2), (18, 0.6))),
        *(420, 1.1),
        seed=12,
    ),
    Day(
        "nobody could call",
        "no call comes through from 11:00 to 11:06, then all of them again at once",
        _with(((11, 0.95), (11.01, 0.0), (11.1, 0.0), (11.11, 2.5), (11.18, 1.6), (11.3, 0.9))),
        *(180, 0.8),
        seed=13,
    ),
)
