"""The plain policy: one delay for sentences, a longer one for what is read out, none for the button."""

from __future__ import annotations

from services.stt.contract import Expect
from services.stt.endpointing.policy import Quiet


def fixed(quiet: Quiet) -> int | None:
    match quiet.wish.expect:
        case Expect.BUTTON:
            return None
        case Expect.DIGITS | Expect.SPELLING:
            return quiet.max_ms  # people pause between groups of digits
        case _:
            return quiet.min_ms
