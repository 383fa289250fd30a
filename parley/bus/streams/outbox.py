"""Event records on their way into NATS: queued without waiting, sent until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.errors import BadRequestError
from prometheus_client import Counter, Gauge

from parley.errors import Unavailable
from parley.process.log_limit import Seldom
from parley.telemetry import span_of_call, traceparent

log = structlog.get_logger()

OUTBOX = 20_000  # records waiting for NATS; over it the oldest is dropped and counted
IN_FLIGHT = 64
RETRY_S = 0.5

_dropped = Counter("voice_event_records_dropped_total", "Event records lost: NATS away too long, or refused", ["why"])
for _why in ("outbox full", "refused"):
    _dropped.labels(_why)  # a series that begins with its first loss would hide it from `increase`
_waiting = Gauge("voice_event_records_waiting", "Event records not yet stored")

OnDone = Callable[[str], None]


class Record(NamedTuple):
    subject: str
    data: bytes
    message_id: str
    on_done: OnDone | None
    call_id: str = ""


class Outbox:
    """Records in the order they came. `jetstream` gives the stream's context, or raises Unavailable."""

    def __init__(self, jetstream: Callable[[], JetStreamContext]) -> None:
        self._jetstream = jetstream
        self._records: deque[Record] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._trouble = Seldom()

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: Record) -> None:
        if len(self._records) >= OUTBOX:
            self._records.popleft()
            _dropped.labels("outbox full").inc()
        self._records.append(record)
        _waiting.set(len(self._records))
        self._empty.clear()
        self._wake.set()

    def wake(self) -> None:
        """There is a connection again."""
        self._wake.set()

    def empty(self) -> Awaitable[object]:
        return self._empty.wait()

    async def run(self) -> None:
        """Store the records for ever, several at once; what was not acknowledged is sent again (its id dedupes)."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._records:
                batch = [self._records[i] for i in range(min(IN_FLIGHT, len(self._records)))]
                troubles = await asyncio.gather(*(self._store(record) for record in batch))
                self._done(batch, troubles)
                if trouble := next(filter(None, troubles), ""):
                    if trouble == Unavailable.__name__:
                        break  # without a connection; `wake` comes with it
                    self._trouble.warning("event records wait", waiting=len(self._records), error=trouble)
                    await asyncio.sleep(RETRY_S)
                else:
                    self._trouble.over()

    def _done(self, batch: list[Record], troubles: list[str]) -> None:
        """Take out those at the head that need nothing more. A record dropped meanwhile is no longer there."""
        for record, trouble in zip(batch, troubles, strict=True):
            if trouble or not self._records:
                break
            if self._records[0] is not record:
                continue
            self._records.popleft()
            if record.on_done is not None:
                record.on_done(record.message_id)
        _waiting.set(len(self._records))
        if not self._records:
            self._empty.set()

    async def _store(self, record: Record) -> str:
        """Why the record is not stored; "" when there is nothing more to do for it."""
        headers = {"Nats-Msg-Id": record.message_id}
        try:
            with span_of_call("nats.record", record.call_id):
                if context := traceparent():
                    headers["traceparent"] = context
                await self._jetstream().publish(record.subject, record.data, timeout=2.0, headers=headers)
        except (MaxPayloadError, BadRequestError):  # it never will be: it must not hold up the others
            _dropped.labels("refused").inc()
            log.error("an event record is refused, perhaps too large", subject=record.subject, bytes=len(record.data))
        except (NatsError, TimeoutError, OSError, Unavailable) as e:
            return type(e).__name__
        return ""
