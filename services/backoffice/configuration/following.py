"""What of backoffice itself may be changed live."""

from __future__ import annotations

from collections.abc import Callable

from parley import telemetry
from parley.bus.live import Live
from parley.settings import Settings


async def follow(live: Live, limit: Callable[[Settings], None]) -> None:
    """From now on: what it logs, and how often one address may ask."""

    async def limited(now: Settings) -> None:
        limit(now)

    await live.part(("PARLEY_LOG_LEVEL",), telemetry.take, made=True)
    await live.part(("PARLEY_API_PER_MINUTE",), limited, made=True)
