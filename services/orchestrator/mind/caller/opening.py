"""A call in which the caller speaks first: until when the bot waits for the first words, and speaks after all.

The wait is counted from the beginning of the call. What may become words is not spoken into, but sounds without words
put the bot's own off by no more than PUT_OFF_MS. Words that were begun are waited for: they are a turn soon.
"""

from __future__ import annotations

from services.orchestrator.mind.state import Call

QUIET_MS = 1_000  # after a sound: its words may still come
PUT_OFF_MS = 2_000


def waits(call: Call) -> bool:
    """The caller is to speak first, and nobody has had a turn."""
    return call.policy.caller_first_ms > 0 and call.turn == 0


def until(call: Call) -> int:
    """When the bot speaks after all."""
    return call.started_ms + call.policy.caller_first_ms


def quiet_since(call: Call, at_ms: int) -> int:
    """The same, after a sound that gave no words."""
    return max(until(call), min(at_ms + QUIET_MS, until(call) + PUT_OFF_MS))


def put_off(call: Call, at_ms: int) -> int:
    """When to look again, for what is heard now may be the first words; 0: the bot speaks."""
    if call.hearing.text or call.button in ("down", "released"):
        return at_ms + QUIET_MS  # they end with a turn, or are found to be nothing
    end = min(call.hearing.since_ms + call.policy.wordless_ms, until(call) + PUT_OFF_MS)
    return end if call.hearing.since_ms and end > at_ms else 0
