"""Circuit breakers: an engine that fails again and again is passed over for a while, so that callers do not pay for it.

    closed   --3 failures in a row-->                       open for 30 s
    open     --another replica says so too (`outages`)-->   open, for as long as it says
    open     --its time is over-->                          one attempt is let through, the probe
    probe    --good-->  closed          --failed-->  open for 30 s again

What counts: the engine was lost, stalled, spoke garbage or was too late. What is the request's fault does not: 4xx, a
refused key. A 429 opens nothing: for 30 s the engine is given no more at once than it was serving when it refused.
A breaker never refuses a call: when nothing else is left, engines that are open are tried all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

import structlog
from prometheus_client import Gauge

from parley.errors import AtCapacity, ParleyError, TooLate, Unavailable

log = structlog.get_logger()

FAILURES = 3
OPEN_S = 30.0
BUSY_S = 30.0

OPEN = Gauge("voice_breaker_open", "1 while an engine is passed over because it failed", ["service", "engine"])

Clock = Callable[[], float]


class Named(Protocol):
    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Named)


def counts(error: BaseException) -> bool:
    """Whether an error says something about the engine, and not about what it was asked."""
    return isinstance(error, Unavailable | TooLate) or not isinstance(error, ParleyError)


class Breaker:
    """One engine of one service: a vendor's account in a region. Times in seconds of `clock`."""

    def __init__(self, service: str, engine: str, clock: Clock = time.monotonic) -> None:
        self.engine = engine
        self._service = service
        self._clock = clock
        self._gauge = OPEN.labels(service, engine)
        self._gauge.set(0)
        self._failures = 0
        self._probe: Attempt | None = None
        self._limit_until = 0.0
        self._limit = 0
        self.open_until = 0.0
        """0: closed. A time that has passed: waiting for its probe."""
        self.active = 0
        self.opened: Callable[[Breaker], None] = lambda _: None
        self.closed: Callable[[Breaker], None] = lambda _: None

    @property
    def is_open(self) -> bool:
        return self.open_until > 0

    @property
    def open_for_s(self) -> float | None:
        """For how many more seconds it is passed over, 0 when its probe is due; None: it is not."""
        return max(0.0, self.open_until - self._clock()) if self.is_open else None

    def allows(self) -> bool:
        """Whether an attempt may be made now; of an open one whose time is over, only one at a time."""
        now = self._clock()
        if self.is_open:
            return now >= self.open_until and self._probe is None
        return now >= self._limit_until or self.active < self._limit

    def begin(self) -> Attempt:
        """An attempt, allowed or not. Use as a context manager."""
        attempt = Attempt(self)
        if self.is_open and self._probe is None and self._clock() >= self.open_until:
            self._probe = attempt
            log.info("breaker probes", service=self._service, engine=self.engine)
        return attempt

    def told(self, left_s: float) -> None:
        """Other replicas found it open, for so much longer."""
        until = self._clock() + left_s
        if left_s > 0 and until > self.open_until + 1:
            self._open(until, "other replicas report it")

    def good(self, attempt: Attempt) -> None:
        """A success of what began before it opened says little; that of its probe, or of a last resort, closes it."""
        if self.is_open and not attempt.began_open:
            return
        self._failures = 0
        if self.is_open:
            self.open_until = 0.0
            self._gauge.set(0)
            log.info("breaker closed", service=self._service, engine=self.engine)
            self.closed(self)

    def bad(self, attempt: Attempt, error: BaseException) -> None:
        if isinstance(error, AtCapacity):
            self._limit_until = self._clock() + BUSY_S
            self._limit = max(1, self.active - 1)
            log.warning("engine is busy", service=self._service, engine=self.engine, at_once=self._limit)
        if not counts(error):
            return
        self._failures += 1
        opens = attempt is self._probe if self.is_open else self._failures >= FAILURES
        if opens:
            self._open(self._clock() + OPEN_S, type(error).__name__)
            self.opened(self)

    def left(self, attempt: Attempt) -> None:
        self.active -= 1
        if self._probe is attempt:
            self._probe = None

    def _open(self, until: float, why: str) -> None:
        if not self.is_open:
            log.warning("breaker opened", service=self._service, engine=self.engine, why=why, failures=self._failures)
        self.open_until = until
        self._gauge.set(1)


class Attempt:
    """One use of an engine, from its beginning to its end. Left without a word, it says nothing about the engine."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._failed = False
        self.began_open = breaker.is_open
        breaker.active += 1

    def succeeded(self) -> None:
        """It did what it was asked; said of a long stream each time that it did."""
        self._breaker.good(self)

    def failed(self, error: BaseException) -> None:
        """It did not. Said once."""
        if not self._failed:
            self._failed = True
            self._breaker.bad(self, error)

    def excused(self) -> None:
        """What goes wrong now is not the engine's doing."""
        self._failed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, Exception):
            self.failed(error)
        self._breaker.left(self)


class Breakers:
    """Those of one service's engines, in one process."""

    def __init__(self, service: str, clock: Clock = time.monotonic) -> None:
        self.service = service
        self._clock = clock
        self._by_engine: dict[str, Breaker] = {}

    def of(self, engine: str) -> Breaker:
        if engine not in self._by_engine:
            self._by_engine[engine] = Breaker(self.service, engine, self._clock)
        return self._by_engine[engine]

    def know(self, engines: Iterable[str]) -> Self:
        """Show these from the start, closed."""
        for engine in engines:
            self.of(engine)
        return self

    def choices(self, engines: Sequence[E]) -> Iterator[E]:
        """Which engine to try next, for as long as the caller asks: those that are allowed, by preference; then the
        others, the one whose time is over first before the rest."""
        passed: list[E] = []
        for engine in engines:
            if self.of(engine.name).allows():
                yield engine
            else:
                passed.append(engine)
        yield from sorted(passed, key=lambda engine: self.of(engine.name).open_until)
