"""`python -m bench.ahead`: what thinking ahead saves the caller. The orchestrator and llm as they are, on real gRPC and
NATS; the model is a stand-in at OpenAI's protocol whose first token takes 400 ms. A turn is over `lead` ms after the
ears saw its end coming; the wait is from there to the first words for the caller.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import uvloop

from testbed.organs import AGENT, Gateway, house
from testbed.rounds import service, settings
from testbed.vendors.openai.script import Messages, Reply, Tools
from testbed.vendors.openai.sim import OpenAISim

TTFT_MS = 400
LEADS_MS = (100, 200, 300, 400, 600)
QUESTION = "do you rent bikes"
AIM = 0.9


def answer(messages: Messages, tools: Tools) -> Reply:
    return Reply("Yes, we have some here. Which one would you like to take?")


async def waited(gateway: Gateway, lead_ms: int) -> float:
    """ms from the end of the turn to the first words. `lead_ms` 0: nobody saw it coming."""
    await gateway.speaks(QUESTION)
    if lead_ms:
        await gateway.turn_ends(QUESTION, "KIND_EAGER")
        await asyncio.sleep(lead_ms / 1000)
    ended = time.perf_counter()
    await gateway.turn_ends(QUESTION)
    say = await gateway.until("say")
    took = time.perf_counter() - ended
    if not say.complete:
        await gateway.said()
    await gateway.hears(say.utterance)
    return took * 1000


async def measure(trials: int) -> dict[int, float]:
    """Lead in ms to the median wait in ms; 0: without."""
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(OpenAISim(script=answer, ttft_ms=TTFT_MS, tokens_per_s=100))
        chosen = settings(sim.base_url, llm="openai")
        llm = await stack.enter_async_context(service(chosen))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        agent = AGENT.replace("always", "never")
        there = await stack.enter_async_context(house(folder, agent, llm_address=llm.all[0].address))
        gateway = await there.gateway()
        await gateway.opens()
        await gateway.hears((await gateway.said())[0])
        await waited(gateway, 0)  # the first one opens connections
        waits: dict[int, list[float]] = {lead: [] for lead in (0, *LEADS_MS)}
        for _ in range(trials):
            for lead, found in waits.items():
                found.append(await waited(gateway, lead))
        return {lead: median(found) for lead, found in waits.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ahead", description=__doc__)
    parser.add_argument("--trials", type=int, default=7, help="of each lead; the median counts")
    waits = uvloop.run(measure(parser.parse_args().trials))
    plain = waits[0]
    print(f"without: {plain:.0f} ms from the end of the turn to the first words")
    missed = 0
    for lead in LEADS_MS:
        saved, share = plain - waits[lead], (plain - waits[lead]) / min(lead, plain)
        missed += share < AIM
        print(f"lead {lead:3} ms: {waits[lead]:4.0f} ms, saved {saved:4.0f} ms, {share:.2f} of what could be saved")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
