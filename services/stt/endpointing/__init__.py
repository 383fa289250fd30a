"""When the caller is done: `Turns` keeps the account of one call, a policy says how much silence is enough.

A policy is one file with one function; it is chosen by name in `Endpointing.policy`.
"""

from __future__ import annotations

from parley.errors import BadInput
from services.stt.contract import Endpointing
from services.stt.endpointing.dynamic import dynamic
from services.stt.endpointing.fixed import fixed
from services.stt.endpointing.meaning import meaning
from services.stt.endpointing.policy import MAX_DELAY_MS, MIN_DELAY_MS, Policy, Quiet, Wait
from services.stt.endpointing.turns import Turns
from services.stt.endpointing.vendor import vendor

POLICIES: dict[str, Policy] = {"fixed": fixed, "dynamic": dynamic, "meaning": meaning, "vendor": vendor}
DEFAULT = "fixed"
LONGEST_DELAY_MS = 60_000
LONGEST_NUMBER, MAX_LENGTHS = 40, 20


def checked(wish: Endpointing) -> Endpointing:
    """The same, when it can be kept. Raises BadInput for an unknown policy or an impossible delay."""
    if wish.policy and wish.policy not in POLICIES:
        raise BadInput(f"endpointing.policy: there is no {wish.policy!r}; known are {', '.join(sorted(POLICIES))}")
    for name, value in (("min_delay_ms", wish.min_delay_ms), ("max_delay_ms", wish.max_delay_ms)):
        if not 0 <= value <= LONGEST_DELAY_MS:
            raise BadInput(f"endpointing.{name}: {value} is not within 0..{LONGEST_DELAY_MS}")
    if wish.max_delay_ms and wish.min_delay_ms > wish.max_delay_ms:
        raise BadInput(
            f"endpointing.min_delay_ms: {wish.min_delay_ms} is above max_delay_ms ({wish.max_delay_ms}); lower it"
        )
    if len(wish.number_lengths) > MAX_LENGTHS or any(not 1 <= n <= LONGEST_NUMBER for n in wish.number_lengths):
        raise BadInput(f"endpointing.number_lengths: give at most {MAX_LENGTHS} of 1..{LONGEST_NUMBER} digits")
    return wish


def policy(name: str) -> Policy:
    return POLICIES[name or DEFAULT]


__all__ = ["MAX_DELAY_MS", "MIN_DELAY_MS", "POLICIES", "Policy", "Quiet", "Turns", "Wait", "checked", "policy"]
