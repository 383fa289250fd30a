"""One run: services, stand-ins, so many calls at once, and the tallies of what was tried."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path

from bench.barge_in.tally import Tally
from bench.barge_in.trials import KINDS, Kind, scripts
from bench.latency import percentile
from bench.servers import Parley, stolen
from runner.stack import Stack
from testbed.telephone.phone import Clock
from testbed.turns import model
from testbed.turns.real import Models, Services, environment, play, rehearse
from testbed.turns.script import Script

APART_S = 0.25
LONGEST_S = 150.0
"""Of a call with its few trials."""


@dataclass
class Run:
    """`cpu`: ms per call-second of each service. `late`: how late the callers' own clock was, ms."""

    calls: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    late: Sequence[float] = ()
    stolen: float = 0.0
    seconds: float = 0.0


async def measure(calls: int, trials: int, kinds: Sequence[Kind], folder: Path) -> Run:
    """`trials` of each kind, `calls` at once."""
    per_kind = [[(kind, script) for script in scripts(kind, trials)] for kind in kinds]
    waiting = deque(each for each in chain.from_iterable(zip_longest(*per_kind)) if each is not None)
    run = Run(calls, {kind.name: Tally(kind) for kind in kinds})
    models, agents = Models(), folder / "agents"
    for _, script in waiting:
        rehearse(script)
        model.write_agent(agents, script)
        models.scripts[script.slug] = script
    async with models.vendors() as vendors:
        env = environment(vendors, agents) | {"PARLEY_AGENT": waiting[0][1].slug}
        async with Stack(data_dir=folder / "data", env=env) as stack, Clock() as clock:
            services = Services(stack, vendors, models, clock, agents)
            await _play(run, waiting, services)
            run.late = [late * 1000 for late in clock.late_s]
    return run


async def _play(run: Run, waiting: deque[tuple[Kind, Script]], services: Services) -> None:
    served = Parley(services.stack.gateway_url, services.stack)
    before, host, began = served.usage(), stolen(), time.monotonic()
    talked, calls, over = 0.0, len(waiting), list[Script]()

    async def line(number: int) -> None:
        nonlocal talked
        await asyncio.sleep(number * APART_S)
        while waiting:
            kind, script = waiting.popleft()
            record = await play(script, services, LONGEST_S)
            talked += record.ended_at - record.answered
            run.tallies[kind.name].add(record)
            over.append(script)
            print(f"\r{len(over)} of {calls} calls", end="", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for number in range(min(run.calls, len(waiting))):
            group.create_task(line(number))
    after, (took, whole) = served.usage(), stolen()
    run.seconds = time.monotonic() - began
    run.stolen = (took - host[0]) * 100 / max(1, whole - host[1])
    run.cpu = {name: (after[name].cpu_s - before[name].cpu_s) * 1000 / talked for name in after if name in before}


def told(run: Run) -> str:
    """One line for the terminal."""
    late = percentile(run.late, 0.99)
    cpu = sum(run.cpu.values())
    return f"{run.calls} calls, {run.seconds:.0f} s, cpu {cpu:.2f} ms/call-s, callers late p99 {late:.0f} ms"


__all__ = ["KINDS", "Run", "measure", "told"]
