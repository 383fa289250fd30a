"""When a stream that was lost is opened again, where not, and when that is given up. Pure; times in seconds.

Streams that break one after the other are opened more and more slowly, for whoever breaks them is asked each time. What
a service has refused is not asked again as it was. Who opens streams says in `Rules` what is special about his; all of
them side by side are in docs/failures.md.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Literal

from parley.errors import BadInput, Misconfigured, NotAllowed, NotFound, ParleyError

REFUSED = (BadInput, Misconfigured, NotAllowed, NotFound)
NOBODY_S = 0.1
"""Where nobody took the stream, nobody is asked too often; finding that out has taken its time."""
_AVOIDED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the streams to one service are opened again."""

    pauses_s: tuple[float, ...]
    """Before the next, by the number of those that broke in a row before they had proved good; then the last."""
    tries: int = 0
    """After so many in a row it is given up. 0: `give_up_s` alone decides."""
    give_up_s: float = inf
    """The same, without a good stream for so long."""
    clock: Literal["good", "any", "told"] = "good"
    """`give_up_s` counts from the loss of the last good stream, from that of the last at all, or from `moved` alone."""
    lasting_s: float = inf
    """A stream that lasted so long was good as well. Not if it, like the one before it, owed something all the time."""
    at_most: tuple[tuple[int, float], ...] = ()
    """So many streams in so many seconds, however good each was."""
    passing: tuple[type[ParleyError], ...] = (ParleyError,)
    hopeless: tuple[type[ParleyError], ...] = REFUSED
    """Tried again is what is `passing` and not `hopeless`."""
    once: bool = False
    """Only until a stream has proved good, and only where somebody lives: whoever asks has a way on of his own."""
    persists: bool = False
    """Who gives up goes on trying all the same: `at_most` and `pauses_s` keep that slow."""


@dataclass(frozen=True, slots=True)
class Next:
    """`pause_s` None: not before something else is asked. `gives_up`: now, for the first time."""

    pause_s: float | None
    gives_up: bool


class Reopening:
    """The streams of one task, one after the other."""

    def __init__(self, rules: Rules, now: float) -> None:
        self.avoid: list[str] = []
        """Addresses that broke a stream lately."""
        self._rules = rules
        self._good_at = self._began = now
        self._broken = self._fruitless = 0
        self._proven = self._given_up = False
        self._opened: deque[float] = deque(maxlen=max((most for most, _ in rules.at_most), default=1))

    def opened(self, now: float) -> None:
        """Somebody took it."""
        self._began, self._proven = now, False
        self._opened.append(now)

    def proven(self) -> None:
        """It brought what it was opened for."""
        self._proven, self._given_up = True, False

    def moved(self, now: float) -> None:
        """All is well at this moment."""
        self._good_at = now

    def changed(self) -> None:
        """The next is asked something else."""
        self._broken = 0

    def ended(self, error: ParleyError, address: str | None, now: float, owed: bool = False) -> Next:
        """`address`: who had taken the stream; None: nobody. `owed`: something was waited for that did not come."""
        rules, pause = self._rules, NOBODY_S
        good = address is not None and self._was_good(now, owed)
        if (good and rules.clock == "good") or (address is not None and rules.clock == "any"):
            self._good_at = now
        if good:
            self._broken, self.avoid = 0, []
        if address is not None:
            self.avoid = [*self.avoid[1 - _AVOIDED :], address]
            pause = rules.pauses_s[min(self._broken, len(rules.pauses_s) - 1)]
            self._broken += 1
        too_many_s = max((self._opened[-n] + s - now for n, s in rules.at_most if len(self._opened) >= n), default=0.0)
        refused = isinstance(error, rules.hopeless) or not isinstance(error, rules.passing)
        gives_up = (
            refused
            or now - self._good_at > rules.give_up_s
            or 0 < rules.tries <= self._broken
            or (too_many_s > 0 and not rules.persists)
            or (rules.once and (good or address is None))
        )
        first, self._given_up = gives_up and not self._given_up, self._given_up or gives_up
        pause *= random.uniform(0.7, 1.3)  # noqa: S311 - spreads re-opens
        if not self._given_up:  # who waits is told in time that he waits in vain
            pause = min(pause, max(0.0, self._good_at + rules.give_up_s - now) + 0.01)
        return Next(None if refused else max(pause, too_many_s), first)

    def _was_good(self, now: float, owed: bool) -> bool:
        self._fruitless = 0 if self._proven or not owed else self._fruitless + 1
        return self._proven or (now - self._began > self._rules.lasting_s and self._fruitless <= 1)
