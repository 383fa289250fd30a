"""`python -m bench.durability`: what keeping a call costs its caller.

STT final -> the model is asked, in turns that are kept (state to the gateway and to NATS, event records to JetStream)
and turns that are not, by turns in the same calls. The orchestrator is a process of its own (`bench/alternating.py`)
beside real nats-servers; the gateway's end of `Converse` and the model are here, so that one clock tells both moments.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import uvloop

from bench import report
from parley.rpc import Admission, Peers, Server
from parley.v1 import conversation_pb2_grpc, events_pb2, llm_pb2, llm_pb2_grpc, tools_pb2, tools_pb2_grpc
from runner.nats_config import copies
from runner.plan import free_ports
from testbed.organs import AGENT, Actions, Gateway, Model
from testbed.servers.natsd import nats_cluster

AIM_MS = 0.5
TURNS = 20  # of a call, every second one kept
PAUSE_S = 0.01  # after a turn, for what it still writes; people pause longer
RESAMPLED = 2000


class Asked(Model):
    """A model that notes when it was asked. It does not repeat the caller, who would be taken for its echo."""

    at = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.reply = lambda request: ["Yes, we have some here. ", "Which one would you like?"]

    async def Chat(self, request: llm_pb2.ChatRequest, context: object) -> AsyncIterator[llm_pb2.ChatEvent]:
        self.at = time.perf_counter()
        async for event in super().Chat(request, context):
            yield event


@dataclass
class Waits:
    """ms from the final to the model, of turns that were kept and of those that were not."""

    kept: list[float] = field(default_factory=list)
    not_kept: list[float] = field(default_factory=list)

    def difference(self) -> tuple[float, float, float]:
        """Of the medians, ms, with the ends of its 95 % interval (bootstrap)."""
        draw = np.random.default_rng(1)
        kept, not_kept = np.array(self.kept), np.array(self.not_kept)
        found = [
            float(np.median(draw.choice(kept, len(kept))) - np.median(draw.choice(not_kept, len(not_kept))))
            for _ in range(RESAMPLED)
        ]
        low, high = np.percentile(found, [2.5, 97.5])
        return median(self.kept) - median(self.not_kept), float(low), float(high)


@asynccontextmanager
async def orchestrator(folder: Path, nodes: int) -> AsyncIterator[tuple[Peers, Asked]]:
    """The process under measurement, its organs here, its NATS beside it."""
    (folder / "agents/bikes").mkdir(parents=True)
    (folder / "agents/bikes/agent.yaml").write_text(AGENT.replace("always", "never"))
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(nats_cluster(folder, nodes))
        model, organs = Asked(), Server("organs", "127.0.0.1:0", Admission(100))
        services = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
        organs.add(services, llm_pb2_grpc.add_LanguageModelServicer_to_server, model)
        tools = tools_pb2.DESCRIPTOR.services_by_name["Tools"]
        organs.add(tools, tools_pb2_grpc.add_ToolsServicer_to_server, Actions())
        await organs.start()
        stack.push_async_callback(organs.drain, 0)
        address, listen = f"127.0.0.1:{organs.port}", f"127.0.0.1:{free_ports(1)[0]}"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")},
            "PARLEY_AGENTS_DIR": str(folder / "agents"),
            "PARLEY_AGENT": "bikes",
            "PARLEY_NATS_URL": cluster.url,
            "PARLEY_NATS_REPLICAS": str(copies(nodes)),
            "PARLEY_LISTEN": listen,
            "PARLEY_LLM_ADDRESS": address,
            "PARLEY_TOOLS_ADDRESS": address,
            "PARLEY_LOG_LEVEL": "error",
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.alternating", env=environment)
        stack.push_async_callback(process.wait)
        stack.callback(process.terminate)
        peers = await stack.enter_async_context(Peers("orchestrator", [listen]))
        if not await peers.ready(20):
            raise SystemExit("the orchestrator does not start")
        yield peers, model


async def turn(gateway: Gateway, model: Asked, n: int) -> tuple[int, float]:
    """The turn's number, and ms from its final to the model."""
    text = f"question {n}, do you rent bikes"
    await gateway.speaks(text)
    final = time.perf_counter()
    await gateway.turn_ends(text)
    utterance, _ = await gateway.said()
    number = gateway.commands[-1].turn
    await gateway.hears(utterance)
    await asyncio.sleep(PAUSE_S)
    return number, (model.at - final) * 1000


async def one_call(peers: Peers, model: Asked, call_id: str) -> Waits:
    """A call of TURNS turns. Raises AssertionError when not every second one was kept."""
    gateway = Gateway(await peers.open(conversation_pb2_grpc.ConversationStub, "Converse"))
    await gateway.opens(call_id)
    await gateway.hears((await gateway.said())[0])
    turns = [await turn(gateway, model, n) for n in range(TURNS)]
    await gateway.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "caller hung up"})
    while (command := await gateway.stream.read()) is not None:
        gateway.commands.append(command)
    states = [command.state.data for command in gateway.commands if command.WhichOneof("command") == "state"]
    kept = {events_pb2.StoredCall.FromString(data).state.turn for data in states}
    told = [number in kept for number, _ in turns]
    assert told == [n % 2 == 1 for n in range(TURNS)], told
    waits = [took for _, took in turns]
    return Waits(waits[1::2], waits[::2])


async def measure(nodes: int, turns: int) -> Waits:
    """At least so many turns of either kind."""
    found = Waits()
    with tempfile.TemporaryDirectory() as folder:
        async with orchestrator(Path(folder), nodes) as (peers, model):
            await one_call(peers, model, "CA0")  # it opens connections
            while len(found.kept) < turns:
                waits = await one_call(peers, model, f"CA{len(found.kept) + 1}")
                found.kept += waits.kept
                found.not_kept += waits.not_kept
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.durability", description=__doc__)
    parser.add_argument("--turns", type=int, default=1000, help="of either kind")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 3], help="of NATS, a run for each")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    rows = [
        "| NATS nodes | turns of either kind | not kept, median ms | kept, median | difference | its 95 % interval |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    missed = 0
    for nodes in options.nodes:
        waits = uvloop.run(measure(nodes, options.turns))
        difference, low, high = waits.difference()
        missed += difference > AIM_MS
        rows.append(
            f"| {nodes} | {len(waits.kept)} | {median(waits.not_kept):.2f} | {median(waits.kept):.2f}"
            f" | {difference:+.3f} | {low:+.3f} to {high:+.3f} |"
        )
        print(rows[-1], flush=True)
    if options.write:
        report.put("\n".join(rows), "durability")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
