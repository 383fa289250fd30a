"""Following the events of all calls from any process, beside the calls: docs/watchers.md.

@watcher(kinds={"call.ended"})
async def thank(happening: Happening) -> None: ...

async with Bus(settings, "crm") as bus:
    await Watching(bus, [thank]).run()
"""

from parley.watching.kinds import KINDS, Happening, happened
from parley.watching.watcher import Watcher, watcher
from parley.watching.watching import Watching

__all__ = ["KINDS", "Happening", "Watcher", "Watching", "happened", "watcher"]
