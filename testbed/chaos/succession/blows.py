"""One fault after the other: what falls when, drawn from a seed; and the doing of it, with an account."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import psutil

from runner.plan import SERVICES
from runner.stack import Stack
from testbed.chaos import evidence
from testbed.chaos.cells import FREEZE, KILL
from testbed.chaos.faults import LASTS_S
from testbed.vendors.vendors import Vendors

APART_S = (3.0, 7.0)
_FROZEN = 0.25
"""So many stand still for a while; the others are killed."""
_QUORUM = 3
"""Nodes of NATS of which one may fall."""
EARS_APART_S = 8.0
"""From those aimed at one interruption to those at the next: ears must have had the time to start."""
_LOOK = aiohttp.ClientTimeout(0.3)


@dataclass(frozen=True)
class Blow:
    """`at_s`: from the beginning. `place`: which of the service's processes, round and round."""

    at_s: float
    service: str
    kind: str
    place: int


@dataclass(frozen=True)
class Fell:
    """What was done, at `at` (time.monotonic()). `why`: to which caller, when it was aimed at one."""

    at: float
    what: str
    why: str = ""

    def told(self, since: float) -> str:
        return f"{self.at - since:.2f} s {self.what}{f' ({self.why})' if self.why else ''}"


def blows(seed: int, seconds: float, nats_nodes: int) -> Iterator[Blow]:
    """In order. All services come, one after the other in an order of its own each round."""
    dice = random.Random(f"blows {seed}")
    services = [*SERVICES, *(["nats"] if nats_nodes >= _QUORUM else [])]
    at_s, left = 0.0, list[str]()
    while True:
        at_s += dice.uniform(*APART_S)
        if at_s >= seconds:
            return
        left = left or dice.sample(services, len(services))
        yield Blow(at_s, left.pop(), FREEZE if dice.random() < _FROZEN else KILL, dice.randrange(2))


class Blows:
    """Deals them. `fell`: what was done so far.

    The only gateway that answers is spared: a carrier that finds none hangs up. With `spares` so is the only one of
    any service that has two: how long a service is away altogether is then no matter of how fast processes start.
    """

    def __init__(
        self, stack: Stack, vendors: Vendors, http: aiohttp.ClientSession, begin: float, spares: bool = False
    ) -> None:
        self._spares = spares
        self._stack, self._vendors, self._http, self._begin = stack, vendors, http, begin
        self.fell: list[Fell] = []
        self._thawing: set[int] = set()
        self._ears_at, self._ears_of = 0.0, ""

    async def deal(self, planned: Sequence[Blow]) -> None:
        for blow in planned:
            await asyncio.sleep(max(0.0, self._begin + blow.at_s - time.monotonic()))
            names = self._stack.plan.names(blow.service)
            name = names[blow.place % len(names)]
            if blow.service == "stt" and not self._ears_rested:
                self._nothing(f"the ears of {self._ears_of or 'all'} fell just now")
            elif await self._is_spared(blow.service, name):
                self._nothing(f"{name} is the only one")
            else:
                self._strike(name, blow.kind)
                if blow.service == "stt":
                    self._ears_at, self._ears_of = time.monotonic(), ""

    async def at_ears(self, caller: str, at: float, why: str) -> None:
        """Kill the process that hears this caller, at this time; if nobody does, one that could. Not soon after another
        caller's."""
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        if why != self._ears_of and not self._ears_rested:
            return
        self._ears_of, self._ears_at = why, time.monotonic()
        names = self._stack.plan.names("stt")
        hearing = [name for name in names if self._hears(name, caller)]
        alive = [name for name in names if name in self._stack.all_pids()]
        for name in (hearing or alive)[:1]:
            if await self._is_spared("stt", name):
                self._nothing(f"{name} is the only one", why)
            else:
                self._strike(name, KILL, why)

    def thaw(self) -> None:
        """Whoever stands still goes on."""
        for pid in tuple(self._thawing):
            self._thaw(pid)

    def _strike(self, name: str, kind: str, why: str = "") -> None:
        pid = self._stack.all_pids().get(name)
        if pid is None:
            self._nothing(f"{name} is down", why)
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if kind == KILL else signal.SIGSTOP)
            if kind == FREEZE:
                self._thawing.add(pid)
                asyncio.get_running_loop().call_later(LASTS_S, self._thaw, pid)
        self.fell.append(Fell(time.monotonic(), f"{kind} {name}", why))

    def _nothing(self, because: str, why: str = "") -> None:
        self.fell.append(Fell(time.monotonic(), f"nothing: {because}", why))

    @property
    def _ears_rested(self) -> bool:
        return time.monotonic() - self._ears_at >= EARS_APART_S

    async def _is_spared(self, service: str, name: str) -> bool:
        if service == "gateway":
            return not await self._another_door(name)
        if not self._spares or len(self._stack.plan.names(service)) < 2:
            return False
        return not await self._another(service, name)

    async def _another(self, service: str, name: str) -> bool:
        """Whether another process of the service takes connections, and does not stand still."""
        pids = self._stack.all_pids()
        for process in self._stack.plan.processes:
            if process.service != service or process.name == name or pids.get(process.name) in (None, *self._thawing):
                continue
            host, _, port = process.env.get("PARLEY_LISTEN", "").rpartition(":")
            with suppress(OSError, ValueError, TimeoutError):
                async with asyncio.timeout(0.3):
                    _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return True
        return False

    def _thaw(self, pid: int) -> None:
        if pid in self._thawing:
            self._thawing.discard(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _hears(self, name: str, caller: str) -> bool:
        """By its connection to the recogniser's stand-in, which carries the caller's name."""
        pid = self._stack.all_pids().get(name)
        if pid is None:
            return False
        try:
            ports = evidence.ports_of(pid)
        except psutil.Error:
            return False
        mine = (r for r in reversed(self._vendors.deepgram.records) if caller in r.query.get("keyterm", []))
        return any(record.over_at == 0 and record.port in ports for record in mine)

    async def _another_door(self, name: str) -> bool:
        """Whether a call that loses this gateway has another to come back to: a carrier that finds none hangs up."""
        doors = zip(self._stack.plan.names("gateway"), self._stack.gateway_urls, strict=True)
        for other, url in doors:
            if other != name:
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with self._http.get(f"{url}/ready", timeout=_LOOK) as answer:
                        if answer.ok:
                            return True
        return False
