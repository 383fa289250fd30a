"""Failed logins: who fails again and again waits. Pure; times in seconds since 1970.

What is counted is an account together with where the attempts come from: the address, or a browser that this account
has logged in from before (it carries a cookie that says so). So whoever guesses shuts out nobody but themselves: the
owner comes from another address, or with that cookie.
"""

from __future__ import annotations

from dataclasses import dataclass

FREE = 5
"""Attempts that may fail in a row."""
FIRST_S, LONGEST_S = 60.0, 3600.0
"""How long the next one waits; doubled each time."""
FORGOTTEN_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Failures:
    """In a row. `until`: no attempt before; 0: at once."""

    count: int = 0
    last: float = 0.0
    until: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next attempt is looked at."""
        return max(0.0, self.until - now)


def failed(before: Failures, now: float) -> Failures:
    """One more."""
    count = 1 if now - before.last > FORGOTTEN_S else before.count + 1
    over = count - FREE
    until = now + min(LONGEST_S, FIRST_S * 2 ** min(over, 10)) if over >= 0 else 0.0
    return Failures(count, now, until)
