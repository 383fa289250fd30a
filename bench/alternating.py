"""`python -m bench.alternating`: an orchestrator that keeps every second turn of a call only; for `bench.durability`.

In a turn that is not kept nothing is written down for it: no input as protobuf, no state, no record, no digest.
"""

from __future__ import annotations

from google.protobuf.message import Message

from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import events_pb2
from services.orchestrator import calls, codec, conductor, events
from services.orchestrator.__main__ import wire
from services.orchestrator.wiring import Close

_NOTHING = events_pb2.StepInput()


class Codec:
    """The codec, or nothing."""

    keeps = True
    state_to_proto = staticmethod(codec.state_to_proto)
    digest = staticmethod(codec.digest)

    def event_to_proto(self, event: events.Event) -> Message:
        return codec.event_to_proto(event) if self.keeps else _NOTHING


class Alternating(conductor.Conductor):
    """Keeps the first turn, not the second, and so on. A turn begins as the caller does."""

    keeps = True

    def feed(self, event: events.Event) -> None:
        if isinstance(event, events.SpeechStarted):
            self.keeps = not self.keeps
        _codec.keeps = self.keeps
        super().feed(event)

    def _store(self) -> None:
        if self.keeps:
            super()._store()
            return
        self._boundary = None
        self._inputs, self._input_bytes = [], 0


_codec = Codec()


async def _wire(server: Server, settings: Settings) -> Close:
    setattr(conductor, "codec", _codec)  # noqa: B010 - for this process only
    setattr(calls, "Conductor", Alternating)  # noqa: B010
    return await wire(server, settings)


if __name__ == "__main__":
    run("orchestrator", _wire)
