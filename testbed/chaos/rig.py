"""The whole rig: services as real processes, stand-ins, callers; and one wave of scenes through it with one fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from runner.stack import Stack
from testbed.chaos import evidence, talk
from testbed.chaos.bookings import Bookings
from testbed.chaos.callers import Caller, understood
from testbed.chaos.cells import ALL_NATS, CUT, INTERRUPTED, KILL, RESTART, VENDORS, Row
from testbed.chaos.faults import LASTS_S, STRIKES, Heal
from testbed.chaos.lookups import Lookups
from testbed.chaos.scene import QUIET_MS, Played, Scene, prelude_s, scene
from testbed.chaos.struck import Struck
from testbed.chaos.talk import said_in
from testbed.chaos.vendor_faults import fail
from testbed.chaos.verdict import Raw
from testbed.chaos.wires import Wires
from testbed.house import samples
from testbed.telephone.phone import Call, Clock
from testbed.vendors.openai.script import lines_of
from testbed.vendors.vendors import Vendors

_LOOK_S = 0.12
"""Before the fault: which replica serves most is asked, and who is connected to whom is noted."""
_LOOK_AT_CALLS_S = 0.25
"""The same, when all timelines of a gateway are to be read before it ends."""
_KEPT_S = 1.0
"""Of what a caller heard before a wave."""
_PATIENCE = aiohttp.ClientTimeout(2.0)


@dataclass
class Wave:
    """One fault. `late_ms`: how late the rig's own clock was at worst; what it measures is that much unsure.

    `took_s`: all in all; `busy`: the share of a core that callers and stand-ins took.
    """

    row: str
    instance: str
    raws: list[Raw] = field(default_factory=list)
    late_ms: float = 0.0
    took_s: float = 0.0
    busy: float = 0.0


@dataclass
class Rig:
    """Made by `testbed.chaos.town`."""

    stack: Stack
    wires: Wires
    vendors: Vendors
    bookings: Bookings
    clock: Clock
    callers: list[Caller]
    http: aiohttp.ClientSession
    asked: int = 0  # questions so far: each has a mark of its own
    struck: int = 0  # nodes of NATS so far

    async def wave(self, row: Row, moments: Sequence[str], also: Sequence[str] = ()) -> Wave:
        """One fault on all calls at once; `moments[i]` is what caller i is to be in.

        `also`: services of which a replica is hit in the same way at the same time.
        Over when the callers have their answers and what was hit is well again.
        """
        await asyncio.gather(*(caller.ready() for caller in self.callers))
        for caller in self.callers:  # a call lasts many waves; what was heard in earlier ones is judged
            if caller.call is not None:
                caller.call.heard.forget(time.monotonic() - _KEPT_S)
        self.clock.late_s.clear()
        began, used = time.monotonic(), time.process_time()
        scenes = [self._scene(moment) for moment in moments]
        strikes = began + prelude_s(scenes)
        quiet_ms = QUIET_MS + (LASTS_S * 1000 if row.target == "gateway" and row.kind in ("freeze", CUT) else 0)
        playing = [
            asyncio.ensure_future(caller.play(each, strikes, quiet_ms))
            for caller, each in zip(self.callers, scenes, strict=True)
        ]
        healing: list[asyncio.Future[None]] = []
        try:
            await asyncio.sleep(strikes - (_LOOK_AT_CALLS_S if _takes_accounts(row) else _LOOK_S) - time.monotonic())
            struck = await self._look(row)
            more = [await self._busiest(service) for service in also]
            await asyncio.sleep(max(0.0, strikes - time.monotonic()))
            struck.at = time.monotonic()
            healing += [asyncio.ensure_future(heal()) for heal in self._strike(row, [*struck.names, *more])]
            played = await asyncio.gather(*playing)
            await asyncio.gather(*healing)
        finally:
            for task in playing:
                task.cancel()
            for heals in healing:
                heals.cancel()
            await asyncio.gather(*playing, *healing, return_exceptions=True)
        wave = Wave(row.name, struck.instance, late_ms=max(self.clock.late_s, default=0.0) * 1000)
        accounts = await self._accounts(call for call, _ in played)
        for caller, (call, each), account in zip(self.callers, played, accounts, strict=True):
            wave.raws.append(self._raw(caller, call, each, struck, struck.accounts.get(caller.name, account)))
        wave.took_s = time.monotonic() - began
        wave.busy = (time.process_time() - used) / wave.took_s
        return wave

    def _scene(self, moment: str) -> Scene:
        self.asked += 2 if moment == INTERRUPTED else 1
        return scene(moment, talk.mark_of(self.asked), talk.mark_of(self.asked - 1))

    async def _look(self, row: Row) -> Struck:
        names = await self._targets(row)
        pid = self.stack.all_pids().get(names[0], 0) if names else 0
        ports = evidence.ports_of(pid) if pid and row.target not in ("gateway", "nats", ALL_NATS) else set()
        struck = Struck(row, names, pid, self._address(names), ports, Lookups(self.stack.logs))
        if _takes_accounts(row):
            calls = [caller.call for caller in self.callers]
            accounts = await self._accounts(calls, names)
            struck.accounts = dict(zip((caller.name for caller in self.callers), accounts, strict=True))
        return struck

    def _strike(self, row: Row, names: Sequence[str]) -> list[Heal]:
        if row.target in VENDORS:
            return [fail(getattr(self.vendors, row.target), row.kind)]
        return [STRIKES[row.kind](self.stack, self.wires, name) for name in names or [""]]

    async def _targets(self, row: Row) -> list[str]:
        """What is hit. NATS: one node after the other, all have every call's state."""
        nodes = self.stack.plan.names("nats")
        if row.target == ALL_NATS:
            return nodes
        if row.target == "nats":
            self.struck += 1
            return [nodes[self.struck % len(nodes)]]
        busiest = await self._busiest(row.target)
        return [busiest] if busiest else []

    async def _busiest(self, service: str) -> str:
        """The replica that serves the most streams."""
        loads: dict[str, float] = {}
        series = "voice_calls_active{}" if service == "gateway" else "voice_streams_active{}"
        for name, url in self.stack.metrics_urls().items():
            if name in self.stack.plan.names(service):
                with suppress(aiohttp.ClientError):  # it was hit a moment ago, and serves nobody yet
                    async with self.http.get(url, timeout=_PATIENCE) as answer:
                        loads[name] = samples(await answer.text()).get(series, 0.0)
        return max(loads, key=lambda name: loads[name], default="")

    def _raw(self, caller: Caller, call: Call, played: Played, struck: Struck, entries: evidence.Entries) -> Raw:
        name, healed = caller.name, time.monotonic()
        mine = [b for b in self.bookings.records if b.agent == name]
        scene, since = played.scene, played.began - 0.1
        requests = [r for r in self.vendors.openai.records if r.body.get("model") == name and r.at >= played.began]
        lines = len([line for line in scene.lines if line.words])
        return Raw(
            caller=name,
            aimed=scene.aimed,
            moment=evidence.moment_of(entries, struck.at, played, mine),
            hit=struck.served(self.vendors, name, call.sid, entries, mine),
            lost=caller.why_over(call),
            trouble=played.trouble,
            heard=call.heard.mulaw(healed, since),
            asked_s=(played.asked_at or played.began) - since,
            gaps=tuple((at - since, ms) for at, ms in call.heard.gaps() if since <= at <= healed),
            answers=scene.answers,
            cut=scene.cut,
            said=" ".join(line.text for line in scene.lines if line.words),
            reached=self._reached(name, played.began),
            understood=understood([each.body for each in requests], lines),
            history=_history(requests, scene),
            booked=sum(booking.mark == scene.mark and booking.at >= played.began for booking in mine),
            books=int(scene.books),
            own_s=struck.own_s(self.vendors, name, mine),
            account=tuple(evidence.told(entries, played)),
        )

    def _reached(self, caller: str, since: float) -> str:
        """The words that any recogniser heard of a caller, of those that listened since then."""
        return " ".join(
            word.text
            for record in self.vendors.deepgram.records
            if caller in record.query.get("keyterm", []) and (record.over_at == 0 or record.over_at >= since)
            for word in record.words[-40:]
        )

    def _address(self, names: Sequence[str]) -> str:
        if not names:
            return ""
        if names[0] in self.wires.of:
            return self.wires.of[names[0]].address
        process = next(p for p in self.stack.plan.processes if p.name == names[0])
        return "" if process.service == "gateway" else process.env.get("PARLEY_LISTEN", "")

    async def _accounts(self, calls: Iterable[Call | None], gateways: Sequence[str] = ()) -> Sequence[evidence.Entries]:
        """What these gateways, or all, tell of each call."""
        return await asyncio.gather(*(self._timeline(call, gateways) for call in calls))

    async def _timeline(self, call: Call | None, gateways: Sequence[str]) -> evidence.Entries:
        """What gateways tell of a call, each with its name, in order."""
        entries: list[dict[str, Any]] = []
        for name, url in zip(self.stack.plan.names("gateway"), self.stack.gateway_urls, strict=True):
            if not gateways or name in gateways:
                with suppress(aiohttp.ClientError, TimeoutError):
                    where = f"{url}/calls/{call.sid if call else ''}/timeline"
                    async with self.http.get(where, timeout=_PATIENCE) as answer:
                        told = (await answer.json()).get("entries", []) if answer.ok else []
                    entries += [entry | {"gateway": name} for entry in told]
        return sorted(entries, key=lambda entry: float(entry["at_ms"]))


def _takes_accounts(row: Row) -> bool:
    """A gateway that ends takes its account of the calls with it."""
    return row.target == "gateway" and row.kind in (KILL, RESTART)


def _history(requests: Sequence[Any], scene: Scene) -> str | None:
    """What the model was told, at last, of the answer that the caller cut short; None when nothing was cut or asked."""
    if not scene.cut or not requests:
        return None
    messages = requests[-1].body["messages"]
    asked = [n for n, m in enumerate(messages) if m["role"] == "user" and scene.mark in said_in(m).lower()]
    told = lines_of(messages[asked[-1] :]) if asked else []
    return told[0].removesuffix("\u2014").strip() if told else ""
