"""The local recogniser's worker processes: fed, and shared out among the calls. One pool per provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import orjson
from prometheus_client import Counter, Gauge

from parley.errors import AtCapacity, Unavailable, VendorLost
from parley.workers.wire import Message
from parley.workers.worker import Crew, Worker
from services.stt.contract import Flush, SpeechEvent, SttConfig
from services.stt.local import worker
from services.stt.local.model import Model
from services.stt.local.wire import Kind, unpack_count, unpack_events
from services.stt.skipped import Skip, skip

STREAMS_PER_WORKER = 20
WINDOW_MS = 2000
MAX_CHUNK = 16_000
MAX_EVENTS = 64
STALL_S = 10.0

_STREAMS = Gauge("voice_stt_local_streams", "Streams in the worker processes of the local recogniser")
_HELD = Counter("voice_stt_local_backpressure_total", "Times a stream waited: 2 s of its audio were under way")
_REFUSED = Counter("voice_stt_local_refused_total", "Streams refused because every worker had 20")


class Stream:
    """One recognition at a worker. At most 2 s of audio are on the way; more waits in the caller's iterator."""

    def __init__(self, owner: Worker, number: int, bytes_per_ms: int) -> None:
        self._owner = owner
        self.number = number
        self._window = bytes_per_ms * WINDOW_MS
        self._under_way = 0
        self._events: asyncio.Queue[list[SpeechEvent] | Exception | None] = asyncio.Queue()
        self._moved = asyncio.Event()
        self._gone = False

    async def pump(self, audio: AsyncIterator[bytes | Flush]) -> None:
        """Feed the worker until `audio` ends. A failure of `audio` goes to whoever reads the events."""
        try:
            async for item in audio:
                if item is Flush.VOICE:
                    continue
                if isinstance(item, Flush):
                    await self._send(Message(Kind.FLUSH, self.number))
                    continue
                for at in range(0, len(item), MAX_CHUNK):
                    await self._feed(item[at : at + MAX_CHUNK])
            await self._send(Message(Kind.END, self.number))
        except Exception as error:
            self.fail(error)

    async def _feed(self, chunk: bytes) -> None:
        await self._room()
        self._under_way += len(chunk)
        await self._send(Message(Kind.AUDIO, self.number, chunk))

    async def _room(self) -> None:
        """Wait until the worker has caught up and the events are read. A worker stuck for 10 s is killed."""
        if self._fits():
            return
        _HELD.inc()
        while not self._fits():
            self._moved.clear()
            under_way = self._under_way
            try:
                await asyncio.wait_for(self._moved.wait(), STALL_S)
            except TimeoutError:
                if self._under_way == under_way >= self._window:
                    self._owner.kill("hung")

    def _fits(self) -> bool:
        return self._gone or (self._under_way < self._window and self._events.qsize() < MAX_EVENTS)

    async def _send(self, message: Message) -> None:
        if self._owner.knows(self.number):
            self._owner.write(message)
            await self._owner.drain()

    def receive(self, message: Message) -> None:
        """What the worker says. What is of no use is skipped, and costs no other stream."""
        try:
            self._take(message)
        except Skip as skipped:
            skip("local", skipped.kind)

    def _take(self, message: Message) -> None:
        match message.kind:
            case Kind.EVENTS:
                self._events.put_nowait(unpack_events(message.payload))
            case Kind.TAKEN:
                self._under_way -= unpack_count(message.payload)
                self._moved.set()
            case Kind.DONE:
                self._events.put_nowait(None)
            case Kind.FAILED:
                self.fail(VendorLost(f"the local recogniser failed: {message.payload.decode(errors='replace')}"))
            case _:
                raise Skip("unknown_type")

    def fail(self, error: Exception) -> None:
        self._gone = True
        self._moved.set()
        self._events.put_nowait(error)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """All events, until the audio has ended and is done. Raises VendorLost, or what `audio` raised."""
        while (item := await self._events.get()) is not None:
            self._moved.set()
            if isinstance(item, Exception):
                raise item
            for event in item:
                yield event

    def close(self) -> None:
        self._gone = True
        self._moved.set()
        _STREAMS.dec()
        if self._owner.forget(self):
            self._owner.write(Message(Kind.CLOSE, self.number))


class Pool:
    """Workers, each with at most 20 streams. `open` takes the least loaded."""

    def __init__(self, size: int) -> None:
        self.workers = [Worker("local", i, worker.main, Kind) for i in range(size)]
        self._crew = Crew(self.workers)
        self._numbers = count(1)

    async def open(self, config: SttConfig, model: Model) -> Stream:
        """Raises AtCapacity: all full; Unavailable: no worker within 5 s."""
        ready = await self._crew.ready()
        if not ready:
            raise Unavailable("the local recogniser's processes are starting; try again")
        best = min(ready, key=lambda each: each.load)
        if best.load >= STREAMS_PER_WORKER:
            _REFUSED.inc()
            raise AtCapacity(f"all {len(ready)} recognisers (PARLEY_WORKERS) have {STREAMS_PER_WORKER} streams")
        stream = Stream(best, next(self._numbers), config.format.bytes_per_ms)
        best.expect(stream)
        _STREAMS.inc()
        fields = {
            "format": {"encoding": config.format.encoding, "rate": config.format.rate},
            "offset_ms": config.offset_ms, "lm": str(model.lm), "words": str(model.words),
        }  # fmt: skip
        best.write(Message(Kind.OPEN, stream.number, orjson.dumps(fields)))
        return stream

    async def close(self) -> None:
        await self._crew.close()
