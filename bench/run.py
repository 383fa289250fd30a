"""One run: a server, N callers, and what came of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from bench.caller import Caller, interruption, mark_of, question, reply_to, run_callers, speech
from bench.latency import Stages, percentile, stages_of, steady, told_speech
from bench.servers import Served, Usage, stolen
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.vendors import Vendors
from testbed.vendors.wordcodec import render

RAMP_S_PER_CALL = 0.25
TURNS_RENDERED = 16


@dataclass
class Result:
    """Figures of one server at one number of calls. Latencies in ms, CPU in ms per call-second, memory in MB."""

    server: str
    calls: int
    turns: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    overhead: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    onset_to_clear: list[float] = field(default_factory=list)
    decision_to_clear: list[float] = field(default_factory=list)
    missed_interruptions: int = 0
    gaps: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    idle_mb: float = 0.0
    mb_per_call: float = 0.0
    stolen: float = 0.0  # % of the machine's time that its host took in steady state

    @property
    def cpu_sum(self) -> float:
        return sum(self.cpu.values())

    @property
    def core(self) -> float:
        """Share of the core in use, %."""
        return self.cpu_sum * self.calls / 10


def vendors() -> Vendors:
    """Stand-ins as the comparison wants them: no delay, 100 tokens a second, audio at 4 times real time."""
    return Vendors(
        openai=OpenAISim(script=reply_to, ttft_ms=0, tokens_per_s=100),
        elevenlabs=ElevenLabsSim(ttfb_ms=0, speed=4, chunk_ms=240),
    )


def warm_up(calls: int) -> None:
    """Render beforehand what will be said: the stand-ins share the callers' core, and must answer at once."""
    for caller in range(calls):
        for turn in range(TURNS_RENDERED):
            mark = mark_of(caller, turn)
            speech(question(mark))
            speech(interruption(mark))
    for text in ("thank you for asking about it, is ready for you at the shop since monday, come by any day.",):
        render(text)


async def measure(
    name: str, server: AbstractAsyncContextManager[Served], sims: Vendors, calls: int, seconds: float
) -> Result:
    """Start the server, let the calls run, read its CPU and memory in steady state."""
    async with server as served:
        await asyncio.sleep(2.0)
        result = Result(name, calls)
        idle = served.usage()
        ramp = RAMP_S_PER_CALL * calls
        begun = time.monotonic()
        running = asyncio.ensure_future(run_callers(served.url, calls, seconds, ramp, agent="bench"))
        await asyncio.sleep(ramp + 3.0)
        steady_from = time.monotonic()
        before, host = served.usage(), stolen()
        await asyncio.sleep(max(1.0, seconds - 5.0))
        window = time.monotonic() - steady_from
        after, (took, whole) = served.usage(), stolen()
        result.stolen = (took - host[0]) * 100 / max(1, whole - host[1])
        callers = await running
    _account(result, idle, before, after, window)
    _turns(result, callers, sims, max(begun + ramp, steady_from))
    return result


def _account(
    result: Result, idle: Mapping[str, Usage], before: Mapping[str, Usage], after: Mapping[str, Usage], window: float
) -> None:
    for service, usage in after.items():
        spent = usage.cpu_s - before[service].cpu_s
        result.cpu[service] = spent * 1000 / window / result.calls
    result.idle_mb = sum(u.rss for u in idle.values()) / 1e6
    result.mb_per_call = (sum(u.rss for u in after.values()) / 1e6 - result.idle_mb) / result.calls


def _turns(result: Result, callers: list[Caller], sims: Vendors, since: float) -> None:
    stages: list[Stages] = []
    for turn in steady(callers, since):
        result.turns += 1
        found = stages_of(turn, sims)
        if found is None:
            result.lost += turn.answered is None
        elif not turn.talked_over:
            stages.append(found)
        if turn.talked_over:
            if turn.cleared is None:
                result.missed_interruptions += 1
                continue
            result.onset_to_clear.append((turn.cleared - turn.started) * 1000)
            told = told_speech(turn, sims)
            if told is not None and turn.cleared >= told:
                result.decision_to_clear.append((turn.cleared - told) * 1000)
    result.overhead = [s.overhead * 1000 for s in stages]
    for name in ("uplink", "turn", "sentence", "downlink"):
        values = [getattr(s, name) * 1000 for s in stages]
        result.stages[name] = statistics.median(values) if values else float("nan")
    result.gaps = [gap for caller in callers for gap in caller.gaps]
    result.failures = [caller.failure for caller in callers if caller.failure]


def line(result: Result) -> str:
    """One line for the terminal."""
    o, c = result.overhead, result.onset_to_clear
    return (
        f"{result.server:24} N={result.calls:<3} turns {result.turns:<4} lost {result.lost} "
        f"overhead {percentile(o, 0.5):.1f}/{percentile(o, 0.95):.1f}/{percentile(o, 0.99):.1f} ms "
        f"to clear {percentile(c, 0.5):.0f}/{percentile(c, 0.95):.0f} gaps {len(result.gaps)} "
        f"cpu {result.cpu_sum:.2f} ms/call-s ({result.core:.0f} %) {result.mb_per_call:.2f} MB/call "
        f"stolen {result.stolen:.0f} % "
        f"failed {len(result.failures)}"
    )
