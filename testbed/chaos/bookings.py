"""Where the tool's effects happen: a server that counts what reached it, whatever our own ledger believes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from testbed.vendors.server import VendorSim

TAKES_S = 1.5


@dataclass(slots=True)
class Booking:
    """One effect. `pid`: of the process that asked for it. `answered_at` is 0 until then."""

    agent: str
    mark: str
    call_id: str
    pid: int
    at: float
    answered_at: float = 0.0


class Bookings(VendorSim):
    """What arrives is done, also when whoever asked does not live to hear of it. `records` holds `Booking`."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/bookings", self._book)]

    async def _book(self, request: web.Request) -> web.Response:
        asked = await request.json()
        booking = Booking(at=time.monotonic(), **asked)
        self.records.append(booking)
        await asyncio.sleep(TAKES_S)
        booking.answered_at = time.monotonic()
        return web.json_response({"booked": booking.mark})
