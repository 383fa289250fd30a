"""When a stream that was lost is opened again, where not, and when that is a trouble. Pure; times in seconds.

The first loss costs nothing: the next stream is opened at once. Streams that break one after the other are opened more
and more slowly, for whoever breaks them is asked each time. What a service has refused is not asked again as it was.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from parley.errors import BadInput, Misconfigured, NotAllowed, NotFound, ParleyError

GIVE_UP_S = 6.0
"""Without a working stream for so long the ears are in trouble; they go on trying, slowly."""
PROVEN_S = 2.0
"""A stream that lasted so long was a good one, as is one that brought words: its loss starts the count anew. Not if the
one before it, too, had no words for a voice."""
PAUSES_S = (0.0, 0.3, 1.6, 2.0, 2.0, 3.0, 5.0)
"""Before the next stream, by the number of streams that broke before they had proved good."""
AT_MOST = ((4, 4.0), (20, 60.0))
"""So many streams in so many seconds, however good each was."""
NOBODY_S = 0.1
"""Where nobody took the stream, nobody is asked too often; finding that out has taken its time."""
_HOPELESS = (BadInput, Misconfigured, NotAllowed, NotFound)
_AVOIDED = 4


@dataclass(frozen=True, slots=True)
class Next:
    """`pause_s` None: not before something else is asked. `trouble`: now nobody works, for the first time."""

    pause_s: float | None
    trouble: bool


class Reopening:
    """One leg's streams, one after the other."""

    def __init__(self, now: float) -> None:
        self.avoid: list[str] = []
        """Addresses that broke a stream lately."""
        self._lost_at = self._began = now
        self._broken = self._fruitless = 0
        self._works = self._troubled = False
        self._opened: deque[float] = deque(maxlen=max(most for most, _ in AT_MOST))

    def begins(self, now: float) -> None:
        self._began, self._works = now, False

    def opened(self, now: float) -> None:
        """Somebody took it."""
        self._opened.append(now)

    def works(self) -> None:
        """It brought words."""
        self._works, self._troubled = True, False

    def changed(self) -> None:
        """The next is asked something else."""
        self._broken = 0

    def ended(self, error: ParleyError, address: str | None, now: float, waiting: bool) -> Next:
        """`address`: who had taken the stream. `waiting`: somebody spoke, and his words are waited for."""
        lived = now - self._began > PROVEN_S
        self._fruitless = 0 if self._works or not waiting else self._fruitless + 1
        if self._works or (lived and self._fruitless <= 1):
            self._lost_at, self.avoid = now, []
            self._broken = 0
        if address is not None:
            self.avoid = [*self.avoid[1 - _AVOIDED :], address]
        hopeless = isinstance(error, _HOPELESS)
        gives_up = hopeless or now - self._lost_at > GIVE_UP_S
        trouble = gives_up and not self._troubled
        self._troubled = self._troubled or gives_up
        return Next(None if hopeless else self._pause(address is not None, now), trouble)

    def _pause(self, taken: bool, now: float) -> float:
        if not taken:
            return NOBODY_S * random.uniform(0.5, 1.5)  # noqa: S311 - spreads re-opens
        pause = PAUSES_S[min(self._broken, len(PAUSES_S) - 1)] * random.uniform(0.9, 1.1)  # noqa: S311
        self._broken += 1
        if not self._troubled:  # who waits is told in time that he waits in vain
            pause = min(pause, max(0.0, self._lost_at + GIVE_UP_S - now) + 0.01)
        for most, within in AT_MOST:
            if len(self._opened) >= most:
                pause = max(pause, self._opened[-most] + within - now)
        return pause
