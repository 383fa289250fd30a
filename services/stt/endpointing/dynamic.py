"""As long as this caller's own pauses ask for: more than they usually pause, between the least and the most delay."""

from __future__ import annotations

from services.stt.contract import Expect, Pauses
from services.stt.endpointing.policy import Quiet, Wait

LEAST_MS = 300
USUAL = Pauses(count=3, mean_ms=500, max_ms=800)
"""A caller of whom nothing is known: as if so many pauses had been heard."""
SPREAD = 0.6
"""Of the way from the usual pause to the longest: what the wait must exceed."""


def dynamic(quiet: Quiet) -> Wait:
    wish = quiet.wish
    if wish.expect is Expect.BUTTON:
        return Wait(None, 0.0, quiet.flush_ms)
    if wish.expect in (Expect.DIGITS, Expect.SPELLING):
        return Wait.soon(quiet.max_ms, 0.3)
    return Wait.soon(within(quiet, patience_ms(quiet.pauses)), 0.5)


def patience_ms(pauses: Pauses) -> int:
    """Silence that is longer than most pauses of this caller."""
    count = pauses.count + USUAL.count
    mean = (pauses.mean_ms * pauses.count + USUAL.mean_ms * USUAL.count) // count
    longest = (pauses.max_ms * pauses.count + USUAL.max_ms * USUAL.count) // count
    return int(mean + SPREAD * (longest - mean))


def within(quiet: Quiet, ms: int) -> int:
    """Not below the least delay, not above the most."""
    return min(max(ms, quiet.wish.min_delay_ms or LEAST_MS), quiet.max_ms)
