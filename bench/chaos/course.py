"""The course of a run: who is sent into which moment, how many waves are left, and when it will be over."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from bench.chaos.store import Store
from testbed.chaos.cells import Row

WAVE_S = 13.0
"""Until some were played."""
STARTS_S = 25.0
"""For all processes to start and all callers to dial, once with wires and once without."""
_SPREAD = 4
"""A quarter of the callers at most is in one moment, where the row has so many."""
_SHARED = ("llm", "tts", "tools")
"""Each request goes to the less loaded of two replicas; what is hit serves about half of them."""


def cast(calls: int, lacking: Mapping[str, int], moments: Sequence[str], turn: int) -> list[str]:
    """What each caller is to be in: in proportion to the calls that the cells lack; nobody always in the same.

    Many in the same moment would do the same thing in the same millisecond, as no real callers do: who is too many
    goes to another moment of the row.
    """
    most = math.ceil(calls / min(len(moments), _SPREAD))
    given: Counter[str] = Counter()
    for _ in range(calls):
        wanting = [moment for moment in lacking if given[moment] < most]
        if wanting:
            given[max(wanting, key=lambda moment: lacking[moment] / (given[moment] + 1))] += 1
        else:
            given[min(moments, key=lambda moment: given[moment])] += 1
    chosen = list(given.elements())
    shift = turn * 7 % calls
    return chosen[shift:] + chosen[:shift]


class Course:
    """`rows`: all that are to be tried, with their moments."""

    def __init__(self, store: Store, rows: Sequence[tuple[Row, Sequence[str]]], calls: int, most_waves: int) -> None:
        self._store, self._rows, self._calls, self._most = store, rows, calls, most_waves
        self._took: deque[float] = deque(maxlen=30)
        self._share: dict[str, float] = {}
        self._given_up: set[str] = set()

    def played(self, row: Row, took_s: float, hit: int) -> None:
        """A wave is over, in which so many calls were hit."""
        self._took.append(took_s)
        share = hit / self._calls
        self._share[row.target] = 0.5 * self._share.get(row.target, share) + 0.5 * share

    def gave_up(self, row: Row) -> None:
        self._given_up.add(row.name)

    def waves_left(self) -> int:
        return sum(self._of(row, moments) for row, moments in self._rows if row.name not in self._given_up)

    def _of(self, row: Row, moments: Sequence[str]) -> int:
        lacks = sum(self._store.lacking(row, moments).values())
        share = self._share.get(row.target, 0.45 if row.target in _SHARED else 0.9)
        return min(self._most, math.ceil(lacks / (self._calls * max(share, 0.05))))

    def line(self, starts: int = 0) -> str:
        """For the terminal; `starts`: of the whole rig, still to come."""
        waves = self.waves_left()
        each = sum(self._took) / len(self._took) if self._took else WAVE_S
        left_s = waves * each + starts * STARTS_S
        until = time.strftime("%H:%M", time.localtime(time.time() + left_s))
        return f"{waves} waves of {each:.0f} s are left: {left_s / 60:.0f} min, until {until}"
