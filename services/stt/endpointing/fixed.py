"""The plain policy: one delay for sentences, a longer one for what is read out, none for the button."""

from __future__ import annotations

from services.stt.contract import Expect
from services.stt.endpointing.policy import Quiet, Wait


def fixed(quiet: Quiet) -> Wait:
    match quiet.wish.expect:
        case Expect.BUTTON:
            return Wait(None, 0.0, quiet.flush_ms)
        case Expect.DIGITS | Expect.SPELLING:
            return Wait(quiet.max_ms, 0.3, quiet.flush_ms)  # people pause between groups of digits
        case _:
            return Wait(quiet.min_ms, 0.5, quiet.flush_ms)
