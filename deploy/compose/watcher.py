"""A watcher that prints how calls ended; the beginning of your own (docs/watchers.md)."""

from __future__ import annotations

import asyncio

from parley.bus import Bus
from parley.settings import Settings
from parley.watching import Happening, Watching, watcher


@watcher(kinds={"call.ended"}, name="printed")
async def printed(happening: Happening) -> None:
    print(happening.call_id, happening.detail.get("reason", ""), flush=True)


async def main() -> None:
    async with Bus(Settings.read(), "printed") as bus:
        await Watching(bus, [printed]).run()


if __name__ == "__main__":
    asyncio.run(main())
