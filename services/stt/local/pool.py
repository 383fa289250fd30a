"""Worker processes seen from the service: started, fed, watched, started again. One pool per provider."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from itertools import count
from multiprocessing.context import SpawnProcess

import orjson
import structlog
from prometheus_client import Counter, Gauge

from parley.aio import TaskSet
from parley.errors import AtCapacity, Unavailable, VendorLost
from services.stt.contract import Flush, SpeechEvent, SttConfig
from services.stt.local import worker
from services.stt.local.model import Model
from services.stt.local.wire import Kind, Message, Unpacker, unpack_count, unpack_events
from services.stt.skipped import Skip, skip

STREAMS_PER_WORKER = 20
WINDOW_MS = 2000
MAX_CHUNK = 16_000
MAX_EVENTS = 64
STALL_S = 10.0
READY_S = 5.0
_READ = 1 << 16
_BACKOFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_HEALTHY_S = 30.0

_log = structlog.get_logger()
_STREAMS = Gauge("voice_stt_local_streams", "Streams in the worker processes of the local recogniser")
_LOST = Counter("voice_stt_local_workers_lost_total", "Worker processes that died or hung", ["why"])
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
                    await self._owner.send(Message(Kind.FLUSH, self.number))
                    continue
                for at in range(0, len(item), MAX_CHUNK):
                    await self._feed(item[at : at + MAX_CHUNK])
            await self._owner.send(Message(Kind.END, self.number))
        except Exception as error:
            self.fail(error)

    async def _feed(self, chunk: bytes) -> None:
        await self._room()
        self._under_way += len(chunk)
        await self._owner.send(Message(Kind.AUDIO, self.number, chunk))

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
        self._owner.forget(self)


class Worker:
    """One process and its socket. It is started by `start`, lives until `close`, and comes back when it dies."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._process: SpawnProcess | None = None
        self._ours: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._streams: dict[int, Stream] = {}
        self._closed = False
        self.ready = asyncio.Event()

    @property
    def load(self) -> int:
        return len(self._streams)

    @property
    def pid(self) -> int:
        """Process id, 0 while there is none."""
        return (self._process.pid or 0) if self._process else 0

    def start(self) -> None:
        """Start the process; needs no event loop."""
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        spawn = multiprocessing.get_context("spawn")
        self._process = spawn.Process(target=worker.main, args=(theirs,), daemon=True, name=f"recogniser-{self._index}")
        self._process.start()
        theirs.close()

    async def run(self) -> None:
        """Serve, and start again what dies: at once, then after growing waits up to 5 s."""
        failures = 0
        while not self._closed:
            since = time.monotonic()
            await self._serve()
            if self._closed:
                return
            failures = 0 if time.monotonic() - since > _HEALTHY_S else failures + 1
            _log.warning("recogniser process lost, starting another", worker=self._index, failures=failures)
            await self._start_again(failures)

    async def _start_again(self, failures: int) -> None:
        while not self._closed:
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            try:
                await asyncio.to_thread(self.start)
                return
            except OSError as error:
                failures += 1
                _log.error("recogniser process cannot be started", worker=self._index, error=str(error))

    async def _serve(self) -> None:
        assert self._ours is not None
        reader, self._writer = await asyncio.open_connection(sock=self._ours, limit=_READ)
        self.ready.set()
        unpacker = Unpacker()
        try:
            while data := await reader.read(_READ):
                for message in unpacker.push(data):
                    if stream := self._streams.get(message.stream):
                        stream.receive(message)
        except ConnectionError:
            pass
        except ValueError as error:  # nothing that follows can be read
            _log.error("recogniser process cannot be understood", worker=self._index, error=str(error))
            self.kill("garbled")
        finally:
            await self._lost()

    async def _lost(self) -> None:
        self.ready.clear()
        if self._writer:
            self._writer.close()
        process = self._process
        if process is not None:
            await asyncio.to_thread(process.join, 1.0)
            if process.is_alive():
                process.kill()
                await asyncio.to_thread(process.join, 1.0)
        for stream in list(self._streams.values()):
            self.forget(stream)
            stream.fail(VendorLost("the local recogniser's process died; recognise again"))
        if not self._closed:
            _LOST.labels("died").inc()

    def open(self, number: int, config: SttConfig, model: Model) -> Stream:
        stream = Stream(self, number, config.format.bytes_per_ms)
        self._streams[number] = stream
        _STREAMS.inc()
        fields = {
            "format": {"encoding": config.format.encoding, "rate": config.format.rate},
            "offset_ms": config.offset_ms, "lm": str(model.lm), "words": str(model.words),
        }  # fmt: skip
        self._write(Message(Kind.OPEN, number, orjson.dumps(fields)))
        return stream

    async def send(self, message: Message) -> None:
        if message.stream in self._streams:
            self._write(message)
            if self._writer is not None:
                await self._writer.drain()

    def _write(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(message.pack())

    def forget(self, stream: Stream) -> None:
        if self._streams.pop(stream.number, None):
            _STREAMS.dec()
            self._write(Message(Kind.CLOSE, stream.number))

    def kill(self, why: str) -> None:
        _LOST.labels(why).inc()
        if self._process is not None:
            self._process.kill()

    async def close(self) -> None:
        """Close the socket, upon which the process ends; after 1 s it is killed."""
        self._closed = True
        if self._writer:
            self._writer.close()
        elif self._ours:
            self._ours.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.join, 1.0)
            if self._process.is_alive():
                self._process.kill()
                await asyncio.to_thread(self._process.join, 1.0)


class Pool:
    """Workers, each with at most 20 streams. `open` takes the least loaded."""

    def __init__(self, size: int) -> None:
        self.workers = [Worker(i) for i in range(size)]
        self._numbers = count(1)
        self._tasks = TaskSet(lambda error: _log.error("recogniser pool failed", error=repr(error)))
        self._running = False
        for each in self.workers:
            each.start()

    async def open(self, config: SttConfig, model: Model) -> Stream:
        """Raises AtCapacity: all full; Unavailable: no worker within 5 s."""
        self._run()
        if not any(each.ready.is_set() for each in self.workers):
            await self._one_ready()
        ready = [each for each in self.workers if each.ready.is_set()]
        if not ready:
            raise Unavailable("the local recogniser's processes are starting; try again")
        best = min(ready, key=lambda each: each.load)
        if best.load >= STREAMS_PER_WORKER:
            _REFUSED.inc()
            raise AtCapacity(f"all {len(ready)} recognisers (PARLEY_WORKERS) have {STREAMS_PER_WORKER} streams")
        return best.open(next(self._numbers), config, model)

    def _run(self) -> None:
        if not self._running:
            self._running = True
            for each in self.workers:
                self._tasks.spawn(each.run())

    async def _one_ready(self) -> None:
        waits = [asyncio.ensure_future(each.ready.wait()) for each in self.workers]
        try:
            await asyncio.wait(waits, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self.workers))
        await self._tasks.close()
