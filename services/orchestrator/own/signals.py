"""Signals on their way to calls: who owns a call when one comes may be gone a moment later, or not be there yet.

NATS tells every orchestrator of every signal, once. So each keeps those of the last moments, of all calls: an owner
that comes later heeds what is not in the state. The state remembers ids, so nothing is done twice.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import structlog

from parley.v1 import events_pb2
from services.orchestrator.mind import events
from services.orchestrator.run.metrics import SIGNALS

log = structlog.get_logger()

LATE_MS = 30_000  # after it was sent nobody wants it any more
MAX_HELD = 1_000  # signals, of all calls; the oldest goes
MAX_NAME_CHARS, MAX_ID_CHARS, MAX_DATA_BYTES = 40, 64, 2_000
KNOWN = ("hang_up", "transfer", "note", "escalate")


class Signals:
    """What came in the last `LATE_MS`."""

    def __init__(self) -> None:
        self._held: deque[tuple[str, int, events.Signal]] = deque(maxlen=MAX_HELD)  # call, when it came, what

    def came(self, message: events_pb2.CallSignal, at_ms: int) -> events.Signal | None:
        """As an input of `step`; None: it is too late, or too large to be one."""
        name = message.name if message.name in KNOWN else "another"
        if message.at_ms and abs(at_ms - message.at_ms) > LATE_MS:
            _not_taken(message, name, "late")
            return None
        large = len(message.name) > MAX_NAME_CHARS or len(message.id) > MAX_ID_CHARS
        if large or not message.name or len(message.data.encode()) > MAX_DATA_BYTES:
            _not_taken(message, name, "refused")
            return None
        number = message.id or (f"{message.name}@{message.at_ms}" if message.at_ms else "")
        event = events.Signal(at_ms=at_ms, name=message.name, data=message.data, id=number)
        if number and name != "another":
            self._held.append((message.call_id, at_ms, event))
        return event

    def of(self, call_id: str, at_ms: int) -> list[events.Signal]:
        """Those of a call that its new owner may have missed, oldest first, as of now."""
        while self._held and at_ms - self._held[0][1] > LATE_MS:
            self._held.popleft()
        return [replace(event, at_ms=at_ms) for of, _, event in self._held if of == call_id]


def _not_taken(message: events_pb2.CallSignal, name: str, outcome: str) -> None:
    SIGNALS.labels(name, outcome).inc()
    log.warning("a signal is not heeded", call_id=message.call_id, signal=name, outcome=outcome)
