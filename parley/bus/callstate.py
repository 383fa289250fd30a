"""The state of calls in NATS KV (`calls.<id>`), written behind the conversation.

A `CallWriter` has at most one write in flight; later versions coalesce, the newest wins. Each write is a
compare-and-set. A conflict or a time-out is not an answer: the key is read back, and

    our own epoch and writer     it was written after all: take its revision, go on
    a lower epoch                write over it
    a higher epoch               somebody else owns the call: `superseded`, for good
    it cannot be read            go on talking, try again later
    damaged                      write over it
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Literal

import structlog
from google.protobuf.message import DecodeError
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.bus import Bus
from parley.errors import BadInput, Unavailable
from parley.telemetry import span_of_call
from parley.v1 import events_pb2

log = structlog.get_logger()

BUCKET = "calls"
MAX_BYTES = 32 * 1024
WRITE_TIMEOUT_S = 1.0
RETRY_S = (0.1, 0.2, 0.5)
BUCKET_AGE_S = 24 * 3600
OVER_S = 3600
"""So long who asks for a call whose state was cleared away is told that it is over."""

_writes = Counter("voice_state_writes_total", "Writes of call state: stored, failed, conflict", ["outcome"])
for _outcome in ("stored", "failed", "conflict"):
    _writes.labels(_outcome)  # a series that begins with its first failure would hide it from `rate`

Order = Literal["ours", "lower", "higher"]


async def make_bucket(bus: Bus, replicas: int) -> None:
    """Create the bucket of call states, or leave it as it is."""
    js = bus.jetstream()
    try:
        await js.key_value(BUCKET)
    except BucketNotFoundError:
        config = KeyValueConfig(bucket=BUCKET, history=1, ttl=BUCKET_AGE_S, storage=StorageType.FILE, replicas=replicas)
        await js.create_key_value(config=config)


class Unreadable(Unavailable):
    """What is stored of a call is no state: it was damaged. `revision`: to write over it."""

    def __init__(self, message: str, revision: int) -> None:
        super().__init__(message)
        self.revision = revision


class CallStore:
    """The calls' states as this process may see them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.nonce = os.urandom(8).hex()
        self._kv: tuple[object, KeyValue] | None = None
        self._tasks = TaskSet(lambda e: log.error("state write failed", exc_info=e))

    async def kv(self) -> KeyValue:
        """The bucket; asked for once per connection. Raises Unavailable while there is none."""
        js = self._bus.jetstream()
        if self._kv is None or self._kv[0] is not self._bus.client:
            self._kv = self._bus.client, await js.key_value(BUCKET)
        return self._kv[1]

    async def read(self, call_id: str) -> tuple[events_pb2.StoredCall, int] | None:
        """The stored value and its revision; None when there is none. Raises Unavailable when it cannot be read, and
        Unreadable when it is damaged."""
        found = await self.find(call_id)
        return None if found == "cleared" else found

    async def find(self, call_id: str) -> tuple[events_pb2.StoredCall, int] | Literal["cleared"] | None:
        """As `read`, but tells a call that is over, whose state was cleared away, from one never stored."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                entry = await (await self.kv()).get(call_id)
        except KeyNotFoundError as e:
            return "cleared" if e.op else None
        except (NatsError, TimeoutError) as e:
            raise Unavailable(f"the state of the call cannot be read ({type(e).__name__})") from e
        if entry.value is None:
            return None
        revision = int(entry.revision or 0)
        try:
            return events_pb2.StoredCall.FromString(entry.value), revision
        except DecodeError as e:
            raise Unreadable("what is stored of the call is no state", revision) from e

    async def calls(self) -> list[str]:
        """Ids of all calls with a state. Raises Unavailable."""
        try:
            async with asyncio.timeout(5.0):
                return list(await (await self.kv()).keys())
        except KeyNotFoundError:
            return []
        except (NatsError, TimeoutError) as e:
            if type(e).__name__ == "NoKeysError":
                return []
            raise Unavailable("the states of the calls cannot be listed") from e

    async def replace(self, call_id: str, stored: events_pb2.StoredCall, revision: int) -> bool:
        """Write over what was read at `revision`. False when that is not what stands there, or not known to be done."""
        stored.writer = self.nonce
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await (await self.kv()).update(call_id, stored.SerializeToString(), last=revision)
        except (NatsError, TimeoutError, Unavailable):
            return False
        return True

    async def purge(self, call_id: str, revision: int) -> bool:
        """Remove what was read at `revision`. False when something else stands there, or it is not known."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._clear(call_id, revision)
        except (NatsError, TimeoutError, Unavailable):
            return False
        return True

    async def _clear(self, call_id: str, revision: int) -> None:
        """All that is known of the call then is that it is over, and after OVER_S nothing: a day's calls are many."""
        headers = {
            "KV-Operation": "PURGE",
            "Nats-Rollup": "sub",
            "Nats-Expected-Last-Subject-Sequence": str(revision),
        }
        await self._bus.jetstream().publish(f"$KV.{BUCKET}.{call_id}", headers=headers, msg_ttl=OVER_S)

    def writer(
        self, call_id: str, on_stored: Callable[[int], None], on_superseded: Callable[[bool], None]
    ) -> CallWriter:
        return CallWriter(self, call_id, on_stored, on_superseded)

    def purge_later(self, call_id: str, epoch: tuple[int, int], after_s: float) -> None:
        """Remove the state of a call that its owner `epoch` (leg, open) has ended, after it has lingered."""
        self._tasks.spawn(self._purge(call_id, epoch, after_s))

    async def _purge(self, call_id: str, epoch: tuple[int, int], after_s: float) -> None:
        await asyncio.sleep(after_s)
        for pause in (*RETRY_S, 5.0, 30.0):
            try:
                found = await self.read(call_id)
                if found is not None and (found[0].epoch.leg, found[0].epoch.open) <= epoch:
                    await self._clear(call_id, found[1])
                return
            except (NatsError, TimeoutError, Unavailable):
                await asyncio.sleep(pause)
        log.warning("state of an ended call was not purged", call_id=call_id)

    async def aclose(self) -> None:
        await self._tasks.close()


class CallWriter:
    """Writes the newest state of one call. `put` never waits; `on_stored(version)` says what is safe.

    `on_superseded(swept)`: a newer owner stands in the store; `swept`, it took the call for an orphan.
    """

    def __init__(
        self, store: CallStore, call_id: str, on_stored: Callable[[int], None], on_superseded: Callable[[bool], None]
    ) -> None:
        self._store = store
        self._call_id = call_id
        self._on_stored = on_stored
        self._on_superseded = on_superseded
        self._next: events_pb2.StoredCall | None = None
        self._revision: int | None = None
        self._running = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.superseded = False

    def put(self, stored: events_pb2.StoredCall) -> None:
        """Queue a version, in place of one that was not written yet. Raises BadInput: a state over 32 KiB."""
        stored.writer = self._store.nonce
        if (size := stored.state.ByteSize()) > MAX_BYTES:
            raise BadInput(f"state of {size} bytes; at most {MAX_BYTES}")
        self._next = stored
        if not self._running and not self.superseded:
            self._running = True
            self._idle.clear()
            self._store._tasks.spawn(self._write_all())

    async def idle(self, timeout_s: float) -> bool:
        """True when everything was written within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _write_all(self) -> None:
        failures = 0
        try:
            while self._next is not None and not self.superseded:
                stored, self._next = self._next, None
                if await self._write(stored):
                    failures = 0
                    self._on_stored(stored.version)
                elif not self.superseded:
                    self._next = self._next or stored
                    await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                    failures += 1
        finally:
            self._running = False
            self._idle.set()

    async def _write(self, stored: events_pb2.StoredCall) -> bool:
        """One compare-and-set. False: not known to be stored."""
        data = stored.SerializeToString()
        try:
            with span_of_call("nats.state", self._call_id):
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    kv = await self._store.kv()
                    if self._revision is None:
                        self._revision = await kv.create(self._call_id, data)
                    else:
                        self._revision = await kv.update(self._call_id, data, last=self._revision)
        except (KeyWrongLastSequenceError, NatsError, TimeoutError, Unavailable) as e:
            _writes.labels("conflict" if isinstance(e, KeyWrongLastSequenceError) else "failed").inc()
            return await self._read_back(stored)
        _writes.labels("stored").inc()
        return True

    async def _read_back(self, stored: events_pb2.StoredCall) -> bool:
        try:
            found = await self._store.read(self._call_id)
        except Unreadable as e:  # nobody's any more: the next try writes over it
            self._revision = e.revision
            return False
        except Unavailable:
            return False
        if found is None:
            self._revision = None
            return False
        theirs, revision = found
        match compare(theirs, stored):
            case "higher":
                self.superseded = True
                self._on_superseded(theirs.swept)
                return False
            case "ours":
                self._revision = revision
                return theirs.version >= stored.version
            case "lower":
                self._revision = revision
                return False


def compare(theirs: events_pb2.StoredCall, mine: events_pb2.StoredCall) -> Order:
    """Whose value stands in the store, seen from `mine`."""
    other, own = (theirs.epoch.leg, theirs.epoch.open), (mine.epoch.leg, mine.epoch.open)
    if other > own:
        return "higher"
    if other == own:
        return "ours" if theirs.writer == mine.writer else "higher"
    return "lower"
