"""When this process looks for garbage: what counting references misses, as it refers to itself in a circle.

A full look takes 5 to 20 ms for what a service imports and up to 0.2 ms for each open call, and all calls stand still
meanwhile: with some hundred of them longer than a caller may wait for silence. What is imported is set aside for good.
The interpreter looks at the rest when a quarter is new, in the midst of all that begins; here it is looked at when no
call is open, and else when as many have ended as are open: a call leaves up to 30 KB behind, so that garbage is never
more than what lives.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

LOOK_S = 5.0
FEW = 50
"""Calls that have ended are not worth a look."""
LONGEST_S = 300.0
"""What leaves garbage need not end."""
_NEVER = 2**31 - 1
_USUAL = gc.get_threshold()


def freeze() -> None:
    """Call once, when a service is ready to serve. What is garbage by then is collected first."""
    gc.collect()
    gc.freeze()


async def collect(calls: Callable[[], tuple[int, int]]) -> None:
    """Run this beside everything else: `parley.rpc.Server` does. `calls`: how many are open, how many have ended."""
    gc.set_threshold(*_USUAL[:2], _NEVER)
    try:
        before, seen, looked = 1, 0, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            count, ended = calls()
            survived = gc.get_count()[2]  # passes of the younger generations since, whose survivors nobody looked at
            # None at this moment may be all that were lost together and are on their way back.
            enough = 1 if not count and not before else max(count, FEW)
            if survived and (ended - seen >= enough or time.monotonic() - looked >= LONGEST_S):
                gc.collect()
                seen, looked = ended, time.monotonic()
            before = count
    finally:
        gc.set_threshold(*_USUAL)
