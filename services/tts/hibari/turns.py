"""Whose turn it is to be spoken: who runs out of sound first. A caller who has none yet comes before all who have."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Clock = Callable[[], float]
_FIRST_GUESS_S = 0.05
_REMEMBERED = 10


@dataclass(slots=True)
class Stream:
    """One utterance. `until`: when what it was given will have been played; 0 before its first sound."""

    number: int
    until: float = 0.0
    live: bool = True


@dataclass(order=True, slots=True)
class Job:
    """Something to say, in steps; between two of them others have their turn. `due` in seconds of the clock."""

    due: float
    order: int
    stream: Stream = field(compare=False)
    steps: Iterator[None] = field(compare=False)


class Turns:
    """Jobs that wait for one of the cores. Who would wait longer than `longest_s` for a first sound is not taken."""

    def __init__(self, cores: int, longest_s: float, clock: Clock = time.monotonic) -> None:
        self._cores = cores
        self._longest_s = longest_s
        self._clock = clock
        self._step_s = _FIRST_GUESS_S
        self._jobs: list[Job] = []
        self._orders = 0
        self._changed = threading.Condition()
        self._closed = False

    def add(self, stream: Stream, steps: Iterator[None]) -> bool:
        """False when too many wait for their first sound, and this would be another."""
        with self._changed:
            if not stream.until and self._new_ones() * self._step_s / self._cores > self._longest_s:
                return False
            self._put(stream, steps)
            return True

    def took(self, seconds: float) -> None:
        """A step lasted so long: what those who wait may expect."""
        self._step_s += (seconds - self._step_s) / _REMEMBERED

    def again(self, job: Job) -> None:
        """The rest of a job that has had its turn."""
        with self._changed:
            self._put(job.stream, job.steps)

    def played(self, stream: Stream, ms: float) -> None:
        """The stream was given so much sound."""
        stream.until = max(stream.until, self._clock()) + ms / 1000

    def take(self) -> Job | None:
        """The next job, waited for; those of streams that were stopped are dropped. None when it is over."""
        with self._changed:
            while True:
                while self._jobs:
                    job = heapq.heappop(self._jobs)
                    if job.stream.live:
                        return job
                if self._closed:
                    return None
                self._changed.wait()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, stream: Stream, steps: Iterator[None]) -> None:
        self._orders += 1
        due = max(stream.until, self._clock())
        heapq.heappush(self._jobs, Job(due, self._orders, stream, steps))
        self._changed.notify()

    def _new_ones(self) -> int:
        return sum(1 for job in self._jobs if job.stream.live and not job.stream.until)
