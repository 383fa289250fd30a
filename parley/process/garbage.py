"""When this process looks for garbage: what counting references misses, as it refers to itself in a circle.

A full look takes 5 to 20 ms for what a service imports and up to 0.2 ms for each open call, and all calls stand still
meanwhile: with some hundred of them longer than a caller may wait for silence. What is imported is set aside for good.
The interpreter looks at the rest when a quarter is new, which is every few seconds of a busy hour; here it is looked at
when no call is open, and every five minutes all the same: a call leaves some 50 KB in circles.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

LOOK_S = 5.0
LONGEST_S = 300.0
_NEVER = 2**31 - 1
_USUAL = gc.get_threshold()


def freeze() -> None:
    """Call once, when a service is ready to serve. What is garbage by then is collected first."""
    gc.collect()
    gc.freeze()


async def collect(busy: Callable[[], int]) -> None:
    """Run this beside everything else: `parley.rpc.Server` does. `busy`: how many calls or streams are open."""
    gc.set_threshold(*_USUAL[:2], _NEVER)
    try:
        looked, before = time.monotonic(), 1
        while True:
            await asyncio.sleep(LOOK_S)
            now = busy()
            survived = gc.get_count()[2]  # passes of the younger generations since, whose survivors nobody looked at
            # None at this moment may be all that were lost together and are on their way back.
            if survived and (not now + before or time.monotonic() - looked >= LONGEST_S):
                gc.collect()
                looked = time.monotonic()
            before = now
    finally:
        gc.set_threshold(*_USUAL)
