"""Streams that nobody waits for any more, and nobody is there to close: `call.<id>.cancel` on NATS reaches them.

Whoever asked for a stream closes it when the caller breaks in, and that is the end of its work. An owner that is frozen
or cut off closes nothing: its streams would cost their vendors, and hold their places here, until the connection is
found dead. A newer owner's cancel names an (epoch, turn); every stream at or below it ends, also one that opens later.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from parley.bus import Bus
from parley.errors import Superseded
from parley.telemetry import span
from parley.v1 import call_pb2, events_pb2

log = structlog.get_logger()

SUBJECT = "call.*.cancel"
GRACE_S = 0.25  # who is alive has closed it by then; a cancel must not look like a fault to those who read
KEPT_S = 5.0  # for streams that open late
MAX_KEPT = 10_000  # calls whose cancel is kept; over it the oldest is forgotten
EVERY_TURN = 1 << 32

DROPPED = Counter("voice_streams_dropped_total", "Streams ended by a cancel: whoever asked for them is not there")

Key = tuple[int, int, int]
"""leg, open, turn"""


class _Stream:
    def __init__(self, key: Key, task: asyncio.Task[object]) -> None:
        self.key = key
        self.dropped = False
        self._task = task
        self._timer: asyncio.TimerHandle | None = None

    def drop_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GRACE_S, self._drop)

    def _drop(self) -> None:
        self.dropped = True
        DROPPED.inc()
        self._task.cancel()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Cancels:
    """The streams of one process. `listen` before the bus connects."""

    def __init__(self) -> None:
        self._streams: dict[str, set[_Stream]] = {}
        self._kept: OrderedDict[str, tuple[Key, float]] = OrderedDict()

    def listen(self, bus: Bus) -> None:
        bus.subscribe(SUBJECT, self._receive)

    async def _receive(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        try:
            cancel = events_pb2.CancelTurn.FromString(data)
        except DecodeError:
            log.warning("a cancel cannot be read", subject=subject, bytes=len(data))
            return
        if cancel.call_id not in self._streams:
            self.take(cancel)
            return
        with span("cancel", headers.get("traceparent", ""), call_id=cancel.call_id, turn=cancel.turn.turn):
            self.take(cancel)

    def take(self, cancel: events_pb2.CancelTurn) -> None:
        """Streams of the call at or below this turn end after GRACE_S, unless they have ended by then."""
        key, now = key_of(cancel.turn), time.monotonic()
        if (known := self._kept.pop(cancel.call_id, None)) is not None and known[1] > now:
            key = max(key, known[0])
        self._kept[cancel.call_id] = key, now + KEPT_S
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        for stream in self._streams.get(cancel.call_id, ()):
            if stream.key <= key:
                stream.drop_soon()

    @contextmanager
    def stream(self, call_id: str, key: Key | None) -> Iterator[None]:
        """The body serves this turn of the call, in the current task. None: it is of no turn and never dropped.

        Raises Superseded out of a body that was dropped.
        """
        task = asyncio.current_task()
        if key is None or task is None:
            yield
            return
        stream = _Stream(key, task)
        self._streams.setdefault(call_id, set()).add(stream)
        if (kept := self._kept.get(call_id)) is not None and kept[1] > time.monotonic() and key <= kept[0]:
            stream.drop_soon()
        try:
            yield
        except asyncio.CancelledError:
            if not stream.dropped or task.uncancel():
                raise
            raise Superseded("nobody waits for this any more: a newer turn or owner has the call") from None
        finally:
            stream.close()
            streams = self._streams[call_id]
            streams.discard(stream)
            if not streams:
                del self._streams[call_id]


def key_of(turn: call_pb2.TurnRef) -> Key:
    return turn.epoch.leg, turn.epoch.open, turn.turn


def key_of_owner(epoch: call_pb2.Epoch) -> Key:
    """For what its owner waits for however the turn went on; only a newer owner does not."""
    return epoch.leg, epoch.open, EVERY_TURN
