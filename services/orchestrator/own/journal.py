"""What is written down of a call: the records of what came in, and the state after each boundary.

A boundary of the logic ends a record and gives the state a version. Both are numbered here; the record goes to the
stream of events, the state to NATS and, by `tell`, to the gateway.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from parley.bus.callstate import CallWriter
from parley.errors import BadInput
from parley.v1 import conversation_pb2, events_pb2
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.state import Call, Epoch
from services.orchestrator.own.decided import Decided
from services.orchestrator.own.pending_records import PendingRecords
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.means import Means
from services.orchestrator.wire import codec

log = structlog.get_logger()

MAX_RECORD_BYTES = 256 * 1024  # of one event record; NATS takes 1 MiB


class Journal:
    """One owner's. `last` is what the owner before it left; `superseded` is called when a newer owner has written.

    `anew`: what the owner before it left cannot be read: the numbers begin at 1 again, and the first record says so.
    `version` and `records` are the numbers last given; `acked` is the last of the gateway's events that NATS holds.
    """

    def __init__(
        self,
        means: Means,
        epoch: Epoch,
        last: events_pb2.StoredCall | None,
        tell: Callable[[conversation_pb2.CallCommand], None],
        superseded: Callable[[bool], None],
        *,
        anew: bool = False,
    ) -> None:
        self.version = last.version if last is not None else 0
        self.records = last.records if last is not None else 0
        self.acked = 0
        self._anew = anew
        self._engines: events_pb2.EngineNames | None = means.prices.names
        self._decided = Decided()
        self.stored: events_pb2.StoredCall | None = None
        self._store, self._epoch, self._tell, self._superseded = means.store, epoch, tell, superseded
        self._inputs: list[events_pb2.StepInput] = []
        self._input_bytes = 0
        self._seqs: dict[int, int] = {}
        self._writer: CallWriter | None = None
        self._unstored = PendingRecords(means.bus)
        if last is not None:
            self._unstored.publish_again(last.state.call_id, last.unstored)

    def note(self, event: events.Event) -> None:
        """An input of the record to come."""
        self._inputs.append(codec.event_to_proto(event))
        self._input_bytes += self._inputs[-1].ByteSize()

    def decided(self, effect: effects.Effect, command: conversation_pb2.CallCommand | None, turn: int) -> None:
        """What followed from the last input, for the record to come."""
        self._decided.note(effect, command, turn, self._inputs[-1].at_ms if self._inputs else now_ms())

    @property
    def full(self) -> bool:
        """The record to come is as large as one may be: a boundary is overdue."""
        return self._input_bytes > MAX_RECORD_BYTES

    def boundary(self, call: Call, *, ended: bool) -> None:
        """End the record, and have the state stored and told."""
        self.version += 1
        self.records += 1
        state = codec.state_to_proto(call)
        record = events_pb2.EventRecord(call_id=call.call_id, n=self.records, inputs=self._inputs, ended=ended)
        record.anew, self._anew = self._anew, False
        record.digest = codec.digest(state)
        record.epoch.leg, record.epoch.open = self._epoch
        record.decisions.extend(self._decided.taken(call))
        if self._engines is not None:
            record.engines.CopyFrom(self._engines)
            self._engines = None
        self._inputs, self._input_bytes = [], 0
        self._unstored.publish(record)
        stored = events_pb2.StoredCall(version=self.version, touched_ms=now_ms(), records=self.records, state=state)
        stored.epoch.leg, stored.epoch.open = self._epoch
        self._keep(stored, call)

    def _keep(self, stored: events_pb2.StoredCall, call: Call) -> None:
        self.stored = stored
        stored.unstored.extend(self._unstored.carried())
        if self._writer is None:
            self._writer = self._store.writer(call.call_id, self._on_stored, self._superseded)
        self._seqs[stored.version] = call.seen_seq
        try:
            self._writer.put(stored)
        except BadInput as e:
            log.error("the call's state is too large to store", call_id=call.call_id, error=str(e))
            return
        state = conversation_pb2.State(version=stored.version, data=stored.SerializeToString())
        self._tell(conversation_pb2.CallCommand(state=state))

    def _on_stored(self, version: int) -> None:
        for number in [v for v in self._seqs if v <= version]:
            self.acked = max(self.acked, self._seqs.pop(number))

    def touch(self, after_s: float) -> None:
        """Write the state again if that was not done for so long: it shows that the call has an owner."""
        stored = self.stored
        if stored is None or self._writer is None:
            return
        if now_ms() - stored.touched_ms >= after_s * 1000:
            stored.touched_ms = now_ms()
            stored.unstored[:] = self._unstored.carried()
            self._writer.put(stored)

    async def idle(self, timeout_s: float) -> None:
        """Wait until the last state is written, but no longer than that."""
        if self._writer is not None:
            await self._writer.idle(timeout_s)
