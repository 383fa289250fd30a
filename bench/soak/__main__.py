"""`make soak`: many calls for a long time; what a process holds must stay what it was. DURATION in seconds, N calls."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import uvloop

from bench import servers
from bench.caller import Caller
from bench.monitoring.pictures import draw, keep
from bench.monitoring.prometheus import watching
from bench.run import vendors, warm_up
from bench.soak.samples import Watch, table
from parley.aio import background
from parley.process import garbage
from runner.stack import Stack
from testbed.monitoring.dashboards import dashboards
from testbed.telephone.phone import Clock, Phone

DOCUMENT = Path(__file__).parents[2] / "docs" / "soak.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
CALL_S = 60.0
"""A caller talks so long, hangs up, and dials again."""
EVERY_S = 5.0
WARM_UP_SHARE = 0.25
"""Of the time: caches and pools fill; what grows then is not counted."""
COOL_DOWN_S = 10.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("DURATION") or 1800))
    parser.add_argument("--calls", type=int, default=int(os.environ.get("N") or 50))
    parser.add_argument("--pictures", type=Path, help="draw the dashboards there, by a Prometheus beside the run")
    parser.add_argument("--write", action="store_true", help="put the table into docs/soak.md")
    return parser.parse_args()


async def talk(number: int, phone: Phone, until: float, ended: Counter[str]) -> None:
    """One caller's calls, one after the other."""
    while time.monotonic() < until:
        caller = Caller(number, phone)
        await caller.run(min(until, time.monotonic() + CALL_S))
        answered = sum(turn.answered is not None for turn in caller.turns)
        ended.update(calls=1, turns=len(caller.turns), unanswered=len(caller.turns) - answered)
        if caller.failure:
            ended.update(failed=1)
            print(f"    {caller.failure}", flush=True)
            await asyncio.sleep(1.0)


async def sampling(watch: Watch, http: httpx.AsyncClient) -> None:
    while True:
        await watch.take(http)
        await asyncio.sleep(EVERY_S)


async def soak(calls: int, seconds: float, folder: Path, pictures: Path | None) -> tuple[Watch, Counter[str]]:
    """Everything that was sampled while the calls went on, and how the calls went."""
    ended: Counter[str] = Counter()
    boards = dashboards() if pictures else []
    async with vendors() as sims, httpx.AsyncClient(trust_env=False) as http:
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": "", "PARLEY_LOG_LEVEL": "warning"}
        env |= {"PARLEY_AGENTS_DIR": str(servers.AGENTS), "PARLEY_AGENT": "bench"}
        async with AsyncExitStack() as closing:
            stack = await closing.enter_async_context(Stack(data_dir=folder / "house", env=env))
            clock = await closing.enter_async_context(Clock())
            seen = await closing.enter_async_context(watching(stack, boards, folder / "seen")) if pictures else None
            began = time.time()
            garbage.freeze()
            watch = Watch(stack)
            until = time.monotonic() + seconds
            async with background(sampling(watch, http)), asyncio.TaskGroup() as group:
                for number in range(calls):
                    phone = Phone(stack.gateway_urls, clock, agent="bench")
                    group.create_task(talk(number, phone, until, ended))
                    await asyncio.sleep(min(0.25, seconds / 10 / calls))
            await asyncio.sleep(COOL_DOWN_S)
            await watch.take(http)
            if seen is not None:
                keep(await draw(seen, boards, began, time.time()), pictures)
    return watch, ended


async def main() -> None:
    options = arguments()
    warm_up(min(options.calls, 16))
    with tempfile.TemporaryDirectory() as folder:
        watch, ended = await soak(options.calls, options.seconds, Path(folder), options.pictures)
    shown = table(watch.taken, options.seconds * WARM_UP_SHARE)
    head = (
        f"Measured {time.strftime('%Y-%m-%d %H:%M')}: {options.calls} calls at once for {options.seconds:.0f} s, "
        f"{ended['calls']} calls in all, {ended['turns']} turns, {ended['unanswered']} without an answer, "
        f"{ended['failed']} calls failed. Load of the machine at the end: {os.getloadavg()[1]:.1f}."
    )
    print(f"{head}\n\n{shown}")
    if options.write:
        block = f"{BEGIN}\n{head}\n\n{shown}\n{END}"
        text = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.S), "utf-8")


if __name__ == "__main__":
    uvloop.run(main())
