"""The workers shared out among the calls: finals first, guesses only while nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum
from itertools import count
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from parley.errors import AtCapacity, Unavailable, VendorLost
from parley.workers.wire import Message
from parley.workers.worker import Crew, Worker
from services.stt.skipped import skip
from services.stt.whisper import worker
from services.stt.whisper.wire import Heard, Kind, Wish, pack_wish, unpack_greeting, unpack_heard

PATIENCE_S = 1.0
"""As many may speak at once as are served within this, should all fall silent together."""
MOST_PER_WORKER = 12
WAIT_S = 4.0
"""A final that no worker has begun by then goes to another engine."""
HUNG_S = 20.0
SMOOTH = 0.2
SLOW_S = 0.6
"""A first pass that takes so long leaves no time for guesses, nor for second ones."""

_SPEAKING = Gauge("voice_stt_whisper_speaking", "Callers whose words the recogniser whisper is hearing")
_TOOK = Histogram(
    "voice_stt_whisper_decode_seconds", "First pass over a sound, in the worker", buckets=(0.05, 0.1, 0.2, 0.4, 0.8)
)
_REFUSED = Counter("voice_stt_whisper_refused_total", "Utterances refused: too many at once, or too late", ["why"])


def per_worker(decode_s: float) -> int:
    """Callers who may speak at once for one worker, where a decode takes so long."""
    return max(1, min(MOST_PER_WORKER, int(PATIENCE_S / max(decode_s, 0.001))))


class Rank(IntEnum):
    """Who is served first. A guess is never queued."""

    FINAL = 0
    AHEAD = 1
    GUESS = 2


class Job:
    """One sound on its way through a worker. `done` is called once, unless it was dropped."""

    def __init__(self, number: int, rank: Rank, payload: bytes, done: Callable[[Heard | Exception], None]) -> None:
        self.number = number
        self.rank = rank
        self.payload = payload
        self.owner: Worker | None = None
        self.watch: asyncio.TimerHandle | None = None
        self.over: Callable[[Job, Heard | Exception], None] = lambda *_: None
        self._done: Callable[[Heard | Exception], None] | None = done

    def receive(self, message: Message) -> None:
        if message.kind is Kind.HEARD:
            try:
                self.end(unpack_heard(message.payload))
            except (KeyError, TypeError, ValueError) as e:
                self.end(VendorLost(f"the recogniser whisper cannot be understood: {e!r}"))
        elif message.kind is Kind.FAILED:
            self.end(VendorLost(f"the recogniser whisper failed: {message.payload.decode(errors='replace')}"))
        else:
            skip("whisper", "unknown_type")

    def fail(self, error: Exception) -> None:
        self.end(error)

    def end(self, result: Heard | Exception) -> None:
        if self.watch is not None:
            self.watch.cancel()
        done, self._done = self._done, None
        self.over(self, result)
        if done is not None:
            done(result)

    def drop(self) -> None:
        """Nobody waits for it any more. What a worker has begun it ends."""
        self._done = None

    @property
    def dropped(self) -> bool:
        return self._done is None


class Pool:
    """One per provider. `decode_s`: how long a first pass takes here, as measured lately."""

    def __init__(self, folder: Path, size: int) -> None:
        self.decode_s = 0.0
        self.languages: tuple[str, ...] = ()
        self.speaking = 0
        self.workers = [
            Worker("whisper", i, worker.entry(folder), Kind, Kind.READY, self._greeted) for i in range(size)
        ]
        self._crew = Crew(self.workers)
        self._numbers = count(1)
        self._queue: list[Job] = []

    async def ready(self) -> None:
        """Raises Unavailable: no worker has loaded its model within 5 s."""
        if not await self._crew.ready():
            raise Unavailable("the recogniser whisper is loading its model; try again")

    def run(self) -> None:
        self._crew.run()

    @property
    def limit(self) -> int:
        """Callers who may speak at once."""
        return len(self.workers) * per_worker(self.decode_s)

    def begin(self) -> None:
        """Somebody speaks. Raises AtCapacity."""
        if self.speaking >= self.limit:
            _REFUSED.labels("speaking").inc()
            raise AtCapacity(f"{self.speaking} callers speak at once: {len(self.workers)} workers hear no more")
        self.speaking += 1
        _SPEAKING.inc()

    def end(self) -> None:
        self.speaking -= 1
        _SPEAKING.dec()

    @property
    def slow(self) -> bool:
        return self.decode_s > SLOW_S

    def submit(self, rank: Rank, wish: Wish, audio: bytes, done: Callable[[Heard | Exception], None]) -> Job | None:
        """The result, or what was wrong, goes to `done`, never at once. A guess needs an idle worker; else None."""
        if rank is Rank.GUESS and (self._queue or self.slow or self._idle() is None):
            return None
        job = Job(next(self._numbers), rank, pack_wish(wish, audio), done)
        job.over = self._over
        self._queue.append(job)
        if rank is Rank.FINAL:
            self._watch(job)
        self._next()
        return job

    def hasten(self, job: Job) -> None:
        """A final is wanted of it."""
        if job.rank is not Rank.FINAL:
            job.rank = Rank.FINAL
            if job.owner is None:
                self._watch(job)

    async def close(self) -> None:
        await self._crew.close()

    def _watch(self, job: Job) -> None:
        job.watch = asyncio.get_running_loop().call_later(WAIT_S, self._late, job)

    def _late(self, job: Job) -> None:
        if job.owner is None and job in self._queue:
            self._queue.remove(job)
            _REFUSED.labels("late").inc()
            job.end(AtCapacity(f"no worker of the recogniser whisper was free within {WAIT_S:.0f} s"))

    def _idle(self) -> Worker | None:
        return next((each for each in self.workers if each.ready.is_set() and not each.load), None)

    def _next(self) -> None:
        self._queue = [job for job in self._queue if not job.dropped]
        while self._queue and (free := self._idle()) is not None:
            job = min(self._queue, key=lambda each: (each.rank, each.number))
            self._queue.remove(job)
            job.owner = free
            if job.watch is not None:
                job.watch.cancel()
            job.watch = asyncio.get_running_loop().call_later(HUNG_S, free.kill, "hung")
            free.expect(job)
            free.write(Message(Kind.DECODE, job.number, job.payload))
            job.payload = b""

    def _over(self, job: Job, result: Heard | Exception) -> None:
        if isinstance(result, Heard):
            _TOOK.observe(result.took_s)
            self.decode_s += SMOOTH * (result.took_s - self.decode_s)
        if job.owner is not None:
            job.owner.forget(job)
            asyncio.get_running_loop().call_soon(self._next)

    def _greeted(self, payload: bytes) -> None:
        greeting = unpack_greeting(payload)
        self.languages = greeting.languages
        self.decode_s = greeting.decode_s
        asyncio.get_running_loop().call_soon(self._next)
