"""Many typed calls whose orchestrator stands still, or is killed: all of them come back at one moment."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.latency import percentile
from bench.run import vendors
from bench.scale.idle import Chat, add
from bench.servers import AGENTS
from runner.stack import Stack

ASKED = 50
STILL_S = 1.5
SETTLED_S = 5.0
HEAD = (
    "| calls | their orchestrator | opened again | still there | answers | "
    "seconds until an answer began p50 / p95 / longest |\n|--:|---|--:|--:|--:|--:|"
)


@dataclass
class Crowd:
    """`reopened`: times a call's stream was opened again. `waits_s`: of those who asked right behind the fault."""

    calls: int
    what: str
    reopened: int
    there: int
    waits_s: list[float]

    def row(self) -> str:
        waits = " / ".join(f"{percentile(self.waits_s, share):.1f}" for share in (0.5, 0.95, 1.0))
        answers = f"{len(self.waits_s)} of {ASKED}"
        return f"| {self.calls:,} | {self.what} | {self.reopened:,} | {self.there:,} | {answers} | {waits} |"


async def measure(folder: Path, calls: int, *, killed: bool) -> Crowd:
    """One house, one fault. `ASKED` of the calls ask something as soon as it is over."""
    async with vendors() as sims, httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": "", "PARLEY_LOG_LEVEL": "warning", "PARLEY_AGENT": "bench"}
        env |= {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_CAPACITY": str(2 * calls)}
        async with Stack(data_dir=folder, env=env) as stack:
            chats: list[Chat] = []
            await add(chats, calls, stack.gateway_url, http)
            await asyncio.sleep(2.0)
            before = await _reopened(stack, http)
            await _fault(stack.pids("orchestrator")[0], killed=killed)
            waits = await asyncio.gather(*(_wait_s(chat) for chat in chats[:: calls // ASKED][:ASKED]))
            await asyncio.sleep(SETTLED_S)
            return Crowd(
                calls,
                "killed" if killed else f"stands still for {STILL_S} s",
                await _reopened(stack, http) - before,
                sum(not chat.over for chat in chats),
                [wait for wait in waits if wait is not None],
            )


async def _fault(pid: int, *, killed: bool) -> None:
    if killed:
        os.kill(pid, signal.SIGKILL)
        return
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(STILL_S)
    os.kill(pid, signal.SIGCONT)


async def _wait_s(chat: Chat) -> float | None:
    """None: no answer in time."""
    begun = time.monotonic()
    try:
        await chat.ask("tell me about order 7")
    except TimeoutError:
        return None
    return time.monotonic() - begun


async def _reopened(stack: Stack, http: httpx.AsyncClient) -> int:
    text = (await http.get(f"{stack.gateway_url}/metrics")).text
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "voice_streams_reopened_total" and sample.labels["peer"] == "orchestrator"
    )
