"""`python -m bench.alternating`: an orchestrator that keeps every second turn of a call only; for `bench.durability`.

In a turn that is not kept nothing is written down for it: no input as protobuf, no state, no record, no digest.
"""

from __future__ import annotations

from parley.rpc import Server, run
from parley.settings import Settings
from services.orchestrator.__main__ import wire
from services.orchestrator.mind import events
from services.orchestrator.mind.state import Call
from services.orchestrator.own.journal import Journal
from services.orchestrator.run import conductor
from services.orchestrator.wiring import Close


class Alternating(Journal):
    """Keeps the first turn, not the second, and so on. A turn begins as the caller does."""

    keeps = True

    def note(self, event: events.Event) -> None:
        if isinstance(event, events.SpeechStarted):
            self.keeps = not self.keeps
        if self.keeps:
            super().note(event)

    def boundary(self, call: Call, *, ended: bool) -> None:
        if self.keeps:
            super().boundary(call, ended=ended)


async def _wire(server: Server, settings: Settings) -> Close:
    setattr(conductor, "Journal", Alternating)  # noqa: B010 - for this process only
    return await wire(server, settings)


if __name__ == "__main__":
    run("orchestrator", _wire)
