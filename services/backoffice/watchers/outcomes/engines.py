"""Which engines the llm service has now: its own settings say so, and the live configuration changes them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from parley.bus import Bus
from parley.bus.presence import processes
from parley.errors import Unavailable
from parley.settings import Settings

KEPT_S = 5.0
EnginesNow = Callable[[], Awaitable[Sequence[str]]]
"""By name, first = preferred; at least one."""


def engines_of(bus: Bus, settings: Settings) -> EnginesNow:
    """As the processes of llm tell them (`parley.bus.presence`); while none does, as this process would choose."""
    known: tuple[float, Sequence[str]] = (0.0, ())

    async def now() -> Sequence[str]:
        nonlocal known
        at, names = known
        if not names or time.monotonic() - at > KEPT_S:
            try:
                told = [each.name for state in await processes(bus) if state.stage == "llm" for each in state.engines]
            except Unavailable:
                told = []
            known = time.monotonic(), tuple(dict.fromkeys(told)) or names or tuple(settings.engines("llm"))
        return known[1]

    return now
