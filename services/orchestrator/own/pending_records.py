"""The records of a call that are not known to be stored. The state carries them, so that they outlive their owner."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from google.protobuf.message import DecodeError

from parley.bus import Bus
from parley.v1 import events_pb2
from services.orchestrator.run.metrics import UNCARRIED

log = structlog.get_logger()

MAX_BYTES = 64 * 1024  # of records in a state; over it the oldest are left out of it, and counted
MAX_RECORDS = 32


class PendingRecords:
    """What was given to NATS and not acknowledged, in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[str, bytes] = {}  # by message id
        self._bytes = 0

    def publish(self, record: events_pb2.EventRecord) -> None:
        """Have a record kept, and carry it until it is. Its message belongs to the call's trace."""
        data, message_id = record.SerializeToString(), message_id_of(record)
        self._forget(message_id)
        self._waiting[message_id] = data
        self._bytes += len(data)
        while self._waiting and (self._bytes > MAX_BYTES or len(self._waiting) > MAX_RECORDS):
            self._forget(next(iter(self._waiting)))
            UNCARRIED.inc()
        self._bus.record(record.call_id, message_id, data, self._forget)

    def publish_again(self, call_id: str, carried: Iterable[bytes]) -> None:
        """The last owner's, as its state carried them. Those that were stored after all are kept once."""
        for data in carried:
            try:
                record = events_pb2.EventRecord.FromString(data)
            except DecodeError:
                log.error("a carried record cannot be read", call_id=call_id)
                continue
            if record.call_id == call_id:
                self.publish(record)

    def carried(self) -> Iterable[bytes]:
        return self._waiting.values()

    def _forget(self, message_id: str) -> None:
        self._bytes -= len(self._waiting.pop(message_id, b""))


def message_id_of(record: events_pb2.EventRecord) -> str:
    name = f"{record.call_id}/{record.epoch.leg}.{record.epoch.open}/{record.n}"
    return f"{name}/swept" if record.swept else name
