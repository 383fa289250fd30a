"""The whole rig: services as real processes, stand-ins, callers; and one wave of scenes through it with one fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.chaos import evidence, talk
from bench.chaos.bookings import Booking, Bookings
from bench.chaos.callers import Caller, understood
from bench.chaos.cells import INTERRUPTED, VENDORS, Row
from bench.chaos.faults import STRIKES
from bench.chaos.scene import PRELUDE_S, Played, Scene, scene
from bench.chaos.talk import said_in
from bench.chaos.vendors import fail
from bench.chaos.verdict import Raw
from bench.chaos.wires import Wires
from cli.phone import Call, Clock
from cli.stack import Stack
from tests.e2e.house import samples
from tests.sims.vendors import Vendors

_LOOK_S = 0.12
"""Before the fault: which replica serves most is asked, and who is connected to whom is noted."""


@dataclass
class Wave:
    """One fault. `late_ms`: how late the rig's own clock was at worst; what it measures is that much unsure."""

    row: str
    instance: str
    raws: list[Raw] = field(default_factory=list)
    late_ms: float = 0.0


@dataclass
class Rig:
    """Made by `bench.chaos.town`."""

    stack: Stack
    wires: Wires
    vendors: Vendors
    bookings: Bookings
    clock: Clock
    callers: list[Caller]
    http: httpx.AsyncClient
    asked: int = 0  # questions so far: each has a mark of its own
    struck: int = 0  # nodes of NATS so far

    async def wave(self, row: Row, moments: Sequence[str], also: Sequence[str] = ()) -> Wave:
        """One fault on all calls at once; `moments[i]` is what caller i is to be in.

        `also`: services of which a replica is hit in the same way at the same time.
        """
        for caller in self.callers:
            await caller.ready()
        self.clock.late_s.clear()
        began = time.monotonic()
        strikes = began + PRELUDE_S
        scenes = [self._scene(moment) for moment in moments]
        playing = [
            asyncio.ensure_future(caller.play(each, strikes)) for caller, each in zip(self.callers, scenes, strict=True)
        ]
        try:
            await asyncio.sleep(strikes - _LOOK_S - time.monotonic())
            instance = await self._busiest(row.target)
            more = [await self._busiest(service) for service in also]
            struck = _Struck(instance, self._pid(instance), self._ports(instance))
            if row.target == "gateway":  # its own account of the calls may die with it
                struck.accounts = await asyncio.gather(*(self._timeline(caller.call) for caller in self.callers))
            await asyncio.sleep(max(0.0, strikes - time.monotonic()))
            struck.at = time.monotonic()
            if row.target in VENDORS:
                heals = [fail(getattr(self.vendors, row.target), row.kind)]
            else:
                heals = [STRIKES[row.kind](self.stack, self.wires, name) for name in (instance, *more)]
            played = await asyncio.gather(*playing)
        finally:
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)
        wave = Wave(row.name, instance, late_ms=max(self.clock.late_s, default=0.0) * 1000)
        for n, (caller, (call, each)) in enumerate(zip(self.callers, played, strict=True)):
            account = struck.accounts[n] if struck.accounts else await self._timeline(call)
            wave.raws.append(self._raw(row, caller, call, each, struck, account))
        for heal in heals:
            await heal()
        return wave

    def _scene(self, moment: str) -> Scene:
        self.asked += 2 if moment == INTERRUPTED else 1
        return scene(moment, talk.mark_of(self.asked), talk.mark_of(self.asked - 1))

    def _pid(self, instance: str) -> int:
        return self.stack.all_pids().get(instance, 0)

    def _ports(self, instance: str) -> set[int]:
        return evidence.ports_of(self._pid(instance)) if self._pid(instance) else set()

    async def _busiest(self, service: str) -> str:
        """The replica that serves the most streams. NATS: one node after the other, all have every call's state."""
        if service == "nats":
            names = self.stack.plan.names(service)
            self.struck += 1
            return names[self.struck % len(names)]
        loads: dict[str, float] = {}
        for name, url in self.stack.metrics_urls().items():
            if name in self.stack.plan.names(service):
                found = samples((await self.http.get(url)).text)
                loads[name] = found.get(
                    "voice_calls_active{}" if service == "gateway" else "voice_streams_active{}", 0.0
                )
        return max(loads, key=lambda name: loads[name], default="")

    def _raw(
        self, row: Row, caller: Caller, call: Call, played: Played, struck: _Struck, entries: evidence.Entries
    ) -> Raw:
        mine = [b for b in self.bookings.records if b.agent == caller.name]
        moment = evidence.moment_of(entries, struck.at, played, mine)
        scene, since = played.scene, played.began - 0.1
        begin = round((since - call.born) * 8000)
        requests = [
            r for r in self.vendors.openai.records if r.body.get("model") == caller.name and r.at >= played.began
        ]
        lines = len([line for line in scene.lines if line.words])
        reached = " ".join(
            word.text
            for record in self.vendors.deepgram.records
            if caller.name in record.query.get("keyterm", [])
            for word in record.words[-40:]
        )
        return Raw(
            caller=caller.name,
            aimed=scene.aimed,
            moment=moment,
            hit=self._hit(row, caller, entries, mine, struck),
            lost=caller.why_over(call),
            trouble=played.trouble,
            heard=call.heard.mulaw(played.ended)[begin:],
            asked_s=(played.asked_at or played.began) - since,
            gaps=tuple((at - since, ms) for at, ms in call.heard.gaps() if since <= at <= played.ended),
            answers=scene.answers,
            cut=scene.cut,
            said=" ".join(line.text for line in scene.lines if line.words),
            reached=reached,
            understood=understood([each.body for each in requests], lines),
            history=_history(requests, scene),
            booked=sum(booking.mark == scene.mark and booking.at >= played.began for booking in mine),
            books=int(scene.books),
        )

    def _hit(self, row: Row, caller: Caller, entries: evidence.Entries, mine: list[Booking], struck: _Struck) -> bool:
        """Whether what was hit served this call at that moment."""
        at, ports = struck.at, None if row.target in VENDORS else struck.ports
        if row.target == "orchestrator":
            return evidence.mind_of(entries, at) == self._address(struck.instance)
        if row.target in ("stt", "deepgram"):
            found = evidence.open_then(self.vendors.deepgram.records, ports, at)
            return any(caller.name in record.query.get("keyterm", []) for record in found)
        if row.target in ("tts", "elevenlabs"):
            found = evidence.open_then(self.vendors.elevenlabs.records, ports, at)
            return any(record.voice == caller.name for record in found)
        if row.target in ("llm", "openai"):
            found = evidence.open_then(self.vendors.openai.records, ports, at)
            return any(record.body.get("model") == caller.name for record in found)
        if row.target == "tools":
            return any(b.pid == struck.pid and b.at <= at and not 0 < b.answered_at <= at for b in mine)
        if row.target == "gateway":
            return evidence.gateway_of(entries) == struck.instance
        return True

    def _address(self, instance: str) -> str:
        if instance in self.wires.of:
            return self.wires.of[instance].address
        return next(p.env.get("PARLEY_LISTEN", "") for p in self.stack.plan.processes if p.name == instance)

    async def _timeline(self, call: Call | None) -> evidence.Entries:
        """What the gateways tell of a call, each with its name, in order."""
        entries: list[dict[str, Any]] = []
        for name, url in zip(self.stack.plan.names("gateway"), self.stack.gateway_urls, strict=True):
            with suppress(httpx.HTTPError):
                answer = await self.http.get(f"{url}/calls/{call.sid if call else ''}/timeline", timeout=2.0)
                entries += [entry | {"gateway": name} for entry in answer.json().get("entries", [])]
        return sorted(entries, key=lambda entry: float(entry["at_ms"]))


@dataclass
class _Struck:
    """What was hit: its name, its process, its connections just before; when."""

    instance: str
    pid: int
    ports: set[int]
    at: float = 0.0
    accounts: Sequence[evidence.Entries] = ()


def _history(requests: Sequence[Any], scene: Scene) -> str | None:
    """What the model was told, at last, of the answer that the caller cut short; None when nothing was cut or asked."""
    if not scene.cut or not requests:
        return None
    messages = requests[-1].body["messages"]
    asked = [n for n, m in enumerate(messages) if m["role"] == "user" and scene.mark in said_in(m).lower()]
    told = [m["content"] or "" for m in messages[asked[-1] :] if m["role"] == "assistant"] if asked else []
    return told[0].removesuffix("\u2014").strip() if told else ""
