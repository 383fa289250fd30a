"""How a vendor fails for everybody at once: in all that is open at that moment, and for a while in what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bench.chaos.faults import SETTLED_S, Heal
from tests.sims.faults import Fault
from tests.sims.server import VendorSim

OUT_S = 2.0
_FAULTS: Mapping[str, Fault] = {
    "hangs up": Fault("close", code=0),
    "errs": Fault("error"),
    "talks garbage": Fault("garbage"),
    "stalls": Fault("stall"),
    "is out": Fault("close", code=0),
}


def fail(vendor: VendorSim, kind: str) -> Heal:
    """What is open fails; a vendor that is out also refuses all that comes, with 503, for 2 s."""
    if kind == "is out":
        vendor.faults.add(Fault("refuse", status=503))
        asyncio.get_running_loop().call_later(OUT_S, vendor.faults.clear)
    vendor.strike(_FAULTS[kind])

    async def heal() -> None:
        await asyncio.sleep(OUT_S + SETTLED_S)

    return heal
