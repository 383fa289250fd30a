"""One worker process and its socket: started, listened to, started again when it dies."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.errors import VendorLost
from parley.workers.wire import Kinds, Message, Unpacker

READY_S = 5.0
_READ = 1 << 16
_BACKOFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_HEALTHY_S = 30.0

_log = structlog.get_logger()
_LOST = Counter("voice_workers_lost_total", "Worker processes that died or hung", ["engine", "why"])


class Inbox(Protocol):
    """Who waits for a worker's messages under a number."""

    number: int

    def receive(self, message: Message) -> None: ...

    def fail(self, error: Exception) -> None:
        """The process is gone."""


class Worker:
    """Started by `start`, lives until `close`, and comes back when it dies.

    `main` runs in the process, with one end of a socket pair. `greets`: it is ready when it says so, by a message of
    this kind to number 0 whose payload goes to `greeted`; None: as soon as it is there.
    """

    def __init__(
        self,
        engine: str,
        index: int,
        main: Callable[[Any], None],
        kinds: type[Kinds],
        greets: Kinds | None = None,
        greeted: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._name = f"{engine}-{index}"
        self._main = main
        self._kinds = kinds
        self._greets = greets
        self._greeted = greeted
        self._process: SpawnProcess | None = None
        self._ours: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._inboxes: dict[int, Inbox] = {}
        self._closed = False
        self.ready = asyncio.Event()

    @property
    def load(self) -> int:
        return len(self._inboxes)

    @property
    def pid(self) -> int:
        """Process id, 0 while there is none."""
        return (self._process.pid or 0) if self._process else 0

    def start(self) -> None:
        """Start the process; needs no event loop."""
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        spawn = multiprocessing.get_context("spawn")
        self._process = spawn.Process(target=self._main, args=(theirs,), daemon=True, name=self._name)
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
            _log.warning("worker process lost, starting another", worker=self._name, failures=failures)
            await self._start_again(failures)

    async def _start_again(self, failures: int) -> None:
        while not self._closed:
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            try:
                await asyncio.to_thread(self.start)
                return
            except OSError as error:
                failures += 1
                _log.error("worker process cannot be started", worker=self._name, error=str(error))

    async def _serve(self) -> None:
        assert self._ours is not None
        reader, self._writer = await asyncio.open_connection(sock=self._ours, limit=_READ)
        if self._greets is None:
            self.ready.set()
        unpacker = Unpacker(self._kinds)
        try:
            while data := await reader.read(_READ):
                for message in unpacker.push(data):
                    self._receive(message)
        except ConnectionError:
            pass
        except ValueError as error:  # nothing that follows can be read
            _log.error("worker process cannot be understood", worker=self._name, error=str(error))
            self.kill("garbled")
        finally:
            await self._lost()

    def _receive(self, message: Message) -> None:
        if message.kind == self._greets and not message.stream:
            self._greeted(message.payload)
            self.ready.set()
        elif inbox := self._inboxes.get(message.stream):
            inbox.receive(message)

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
        for inbox in list(self._inboxes.values()):
            self.forget(inbox)
            inbox.fail(VendorLost(f"{self._engine}: its process died; ask again"))
        if not self._closed:
            _LOST.labels(self._engine, "died").inc()

    def expect(self, inbox: Inbox) -> None:
        """What the worker says under this number is for this inbox, until it is forgotten."""
        self._inboxes[inbox.number] = inbox

    def forget(self, inbox: Inbox) -> bool:
        """False: it was forgotten already."""
        return self._inboxes.pop(inbox.number, None) is not None

    def knows(self, number: int) -> bool:
        return number in self._inboxes

    def write(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(message.pack())

    async def drain(self) -> None:
        if self._writer is not None:
            await self._writer.drain()

    def kill(self, why: str) -> None:
        _LOST.labels(self._engine, why).inc()
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


class Crew:
    """The workers of one engine. They are started at once and served as soon as there is a loop."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers
        self._tasks = TaskSet(lambda error: _log.error("workers failed", error=repr(error)))
        self._running = False
        for each in workers:
            each.start()

    async def ready(self) -> list[Worker]:
        """Those that are ready, once there is one; empty: none within 5 s."""
        self.run()
        if not any(each.ready.is_set() for each in self.workers):
            await self._one_ready()
        return [each for each in self.workers if each.ready.is_set()]

    def run(self) -> None:
        """Serve them, if that is not done yet."""
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
