"""A call in which the caller speaks first: until when the bot waits for the first words, and speaks after all.

The wait is counted from the beginning of the call. A sound without words does not prolong it, but is not spoken into
for as long as it may become words; words that were begun are waited for, they are a turn soon.
"""

from __future__ import annotations

from services.orchestrator.state import Call

QUIET_MS = 1_000  # after a sound: its words may still come


def waits(call: Call) -> bool:
    """The caller is to speak first, and nobody has had a turn."""
    return call.policy.caller_first_ms > 0 and call.turn == 0


def until(call: Call) -> int:
    """When the bot speaks after all."""
    return call.started_ms + call.policy.caller_first_ms


def words_begun(call: Call) -> bool:
    """The caller is speaking, or has spoken into the button: their turn comes, or is found to be nothing."""
    return bool(call.hearing.text) or call.button in ("down", "released")


def sound_until(call: Call, at_ms: int) -> int:
    """For how long what sounds now may become words. 0: nothing sounds, or it has gone on for too long."""
    end = call.hearing.since_ms + call.policy.wordless_ms
    return end if call.hearing.since_ms and end > at_ms else 0
