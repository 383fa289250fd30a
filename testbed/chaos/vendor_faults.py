"""How a vendor fails for everybody at once: in all that is open at that moment, and for a while in what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from testbed.chaos.faults import SETTLED_S, Heal
from testbed.vendors.faults import Fault
from testbed.vendors.server import VendorSim

OUT_S = 2.0
SLOW = "is slow"
SLOW_S = 3.0
_FAULTS: Mapping[str, Fault] = {
    "hangs up": Fault("close", code=0),
    "errs": Fault("error"),
    "talks garbage": Fault("garbage"),
    "stalls": Fault("stall"),
    SLOW: Fault("slow", after_ms=SLOW_S * 1000),
    "is out": Fault("close", code=0),
}


def fail(vendor: VendorSim, kind: str) -> Heal:
    """What is open fails, or stands still for 3 s; a vendor that is out also refuses what comes, with 503, for 2 s."""
    if kind == "is out":
        vendor.faults.add(Fault("refuse", status=503))
        asyncio.get_running_loop().call_later(OUT_S, vendor.faults.clear)
    vendor.strike(_FAULTS[kind])

    async def heal() -> None:
        await asyncio.sleep((SLOW_S if kind == SLOW else OUT_S) + SETTLED_S)

    return heal
