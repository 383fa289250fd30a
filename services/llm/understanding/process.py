"""Turns are understood in a process of its own, which is started with the first of them, and again when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count

import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge

from parley.errors import AtCapacity, Unavailable, VendorLost
from parley.rpc.status import by_code
from parley.settings import Settings
from parley.v1 import llm_pb2
from parley.workers.wire import Message
from parley.workers.worker import Crew, Worker
from services.llm.understanding import worker
from services.llm.understanding.wire import Kind, turn_of

ENGINE = "understanding"
MOST = 64
"""Turns under way at once; one takes some 20 ms."""
HUNG_S = 120.0
"""The first turn of all may take some seconds, on a slow machine a good many."""

WAITING = Gauge("voice_understanding_waiting", "Turns of callers that wait to be understood, or are")
REFUSED = Counter("voice_understanding_refused_total", "Turns that were not taken: so many waited already")

log = structlog.get_logger()


class Process:
    """One for the service. `most` turns are under way at once, also those whose asker has gone; the rest is refused."""

    def __init__(self, settings: Settings, most: int = MOST) -> None:
        where = worker.Where(
            settings.agents_dir, settings.data_dir, settings.embedding_dir, settings.log_level, settings.log_format
        )
        self.worker = Worker(ENGINE, 0, partial(worker.main, where), Kind)
        self._most = most
        self._begun: asyncio.Task[Crew] | None = None
        self._numbers = count(1)
        self._under_way = 0

    async def of(self, request: llm_pb2.UnderstandRequest) -> llm_pb2.UnderstandResponse:
        """Raises BadInput, AtCapacity, NotBuilt (no embeddings), NotFound (no such agent), Misconfigured (its phrases),
        VendorLost (the process died)."""
        turn_of(request)
        if self._under_way >= self._most:
            REFUSED.inc()
            raise AtCapacity(f"{self._under_way} turns wait to be understood here: ask another replica, or later")
        self._count(1)
        try:
            await self._started()
        except BaseException:
            self._count(-1)
            raise
        asked = _Asked(next(self._numbers), self._answered)
        asked.watch = asyncio.get_running_loop().call_later(HUNG_S, self.worker.kill, "hung")
        self.worker.expect(asked)
        self.worker.write(Message(Kind.ASK, asked.number, request.SerializeToString()))
        return await asked.reply

    async def aclose(self) -> None:
        """Let the process go. Turns that are under way fail."""
        if self._begun is not None:
            with suppress(OSError):
                await (await self._begun).close()

    async def _started(self) -> None:
        if self._begun is None:
            self._begun = asyncio.create_task(asyncio.to_thread(Crew, [self.worker]))
        try:
            crew = await asyncio.shield(self._begun)
        except OSError as e:
            self._begun = None
            raise Unavailable(f"understand: its process cannot be started: {e}") from e
        if not await crew.ready():
            raise Unavailable("understand: its process is starting; try again")

    def _answered(self, asked: _Asked) -> None:
        self.worker.forget(asked)
        self._count(-1)

    def _count(self, more: int) -> None:
        self._under_way += more
        WAITING.set(self._under_way)


class _Asked:
    """One turn that the process has."""

    def __init__(self, number: int, over: Callable[[_Asked], None]) -> None:
        self.number = number
        self.reply: asyncio.Future[llm_pb2.UnderstandResponse] = asyncio.get_running_loop().create_future()
        self.watch: asyncio.TimerHandle | None = None
        self._over = over

    def receive(self, message: Message) -> None:
        try:
            if message.kind is Kind.UNDERSTOOD:
                self._end(llm_pb2.UnderstandResponse.FromString(message.payload))
            elif message.kind is Kind.FAILED:
                failed = llm_pb2.Failed.FromString(message.payload)
                self._end(by_code(failed.code, failed.message))
            else:
                log.warning("what the process that understands turns says is not known", kind=int(message.kind))
        except DecodeError:
            self._end(VendorLost("understand: the process's answer cannot be read"))

    def fail(self, error: Exception) -> None:
        self._end(error)

    def _end(self, result: llm_pb2.UnderstandResponse | Exception) -> None:
        if self.watch is not None:
            self.watch.cancel()
        self._over(self)
        if self.reply.done():  # who asked has gone
            return
        if isinstance(result, Exception):
            self.reply.set_exception(result)
        else:
            self.reply.set_result(result)
