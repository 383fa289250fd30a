"""NATS under the writes of many calls: their states by compare-and-set, and as many event records.

The writers are the orchestrator's own (`CallStore`, `Bus.record`), all in this process; nats-servers are beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from bench.latency import percentile
from bench.scale.processes import cpu_s
from cli.sizing import figures
from cli.sizing.size import Load, nats
from parley.bus import Bus, make_events_stream
from parley.bus.callstate import BUCKET, CallStore, CallWriter, make_bucket
from parley.bus.streams.records import EVENTS_STREAM
from parley.errors import Unavailable
from parley.settings import Settings
from parley.v1 import events_pb2
from runner.nats_config import copies
from testbed.servers.natsd import NatsCluster, Natsd, nats_cluster

STEP_S = 0.02
SETTLE_S = 60.0  # for what is still on its way at the end; what is not there then is lost


@dataclass
class Course:
    """`waits`: ms from `put` to known as stored, of states. `late`: writes that a newer one of the same call overtook.
    `node_ms`: CPU time of the busiest node for a state and its record. `gap_s`: the longest time without a stored
    state."""

    nodes: int
    calls: int
    offered: float
    put: int = 0
    stored: int = 0
    records: int = 0
    lost: int = 0
    waits: list[float] = field(default_factory=list)
    node_ms: float = 0.0
    gap_s: float = 0.0

    @property
    def cores(self) -> float:
        """Of the busiest node, for the writes of 10,000 calls."""
        return self.node_ms * nats(Load(10_000)).writes / 1000

    def row(self) -> str:
        waits = " / ".join(f"{percentile(self.waits, share):.1f}" for share in (0.5, 0.95, 0.99))
        done = self.stored / self.put if self.put else 0.0
        return (
            f"| {self.nodes} | {self.calls:,} | {self.offered:,.0f} | {done:.0%} | {waits} | {self.gap_s:.1f}"
            f" | {self.node_ms:.2f} | {self.cores:.1f} | {self.lost} |"
        )


HEAD = (
    "| nodes | calls | states, and as many records, a second | stored singly | ms until stored p50 / p95 / p99"
    " | longest pause, s | ms of a core, busiest node, for both | cores at 10,000 calls | lost |\n"
    "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


@dataclass
class _Call:
    """One call's writer, and when each version was put."""

    store: CallStore
    call_id: str
    course: Course
    marks: list[float]
    version: int = 0
    stored: int = 0
    put_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.writer: CallWriter = self.store.writer(self.call_id, self._on_stored, lambda swept: None)

    def write(self, bus: Bus) -> None:
        self.version += 1
        self.put_at[self.version] = time.monotonic()
        stored = events_pb2.StoredCall(version=self.version, unstored=[bytes(figures.STATE_BYTES)])
        stored.epoch.leg = stored.epoch.open = 1
        self.writer.put(stored)
        bus.record(self.call_id, f"{self.call_id}/1.1/{self.version}", bytes(figures.RECORD_BYTES))
        self.course.put += 1

    def _on_stored(self, version: int) -> None:
        now = time.monotonic()
        self.course.waits.append((now - self.put_at.pop(version)) * 1000)
        self.course.stored += 1
        self.stored = version
        self.marks.append(now)


@asynccontextmanager
async def house(folder: Path, nodes: int) -> AsyncIterator[tuple[NatsCluster, Bus, CallStore]]:
    async with nats_cluster(folder, nodes) as cluster:
        bus = Bus(Settings.read(nats_url=cluster.url), "scale")
        async with bus:
            await _made(bus, copies(nodes))
            store = CallStore(bus)
            try:
                yield cluster, bus, store
            finally:
                await store.aclose()


async def _made(bus: Bus, replicas: int) -> None:
    """Bucket and stream; nodes that have just met refuse it for a while."""
    async with asyncio.timeout(SETTLE_S):
        while True:
            try:
                await make_bucket(bus, replicas)
                await make_events_stream(bus, replicas)
            except (NatsError, JetStreamError, Unavailable, TimeoutError):
                await asyncio.sleep(0.5)
            else:
                return


async def measure(folder: Path, nodes: int, calls: int, seconds: float, lose_after_s: float = 0.0) -> Course:
    """So many calls for so long. With `lose_after_s` the node that leads the states is killed then."""
    rate = nats(Load(calls)).writes
    course = Course(nodes, calls, rate)
    async with house(folder, nodes) as (cluster, bus, store):
        marks: list[float] = []
        lines = [_Call(store, f"CA{number}", course, marks) for number in range(calls)]
        pids = {node.name: _pid(node) for node in cluster.nodes}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        begun = time.monotonic()
        done, killed = 0, ""
        while (now := time.monotonic() - begun) < seconds:
            for _ in range(int(now * rate) - done):
                lines[done % calls].write(bus)
                done += 1
            if lose_after_s and not killed and now > lose_after_s:
                leader = await cluster.leader(f"KV_{BUCKET}")
                if leader is not None:
                    killed = leader.name
                    await leader.kill()
            await asyncio.sleep(STEP_S)
        used = max(cpu_s(pid) - before[name] for name, pid in pids.items() if name != killed)
        course.node_ms = used * 1000 / max(1, course.stored)
        await asyncio.gather(*(line.writer.idle(SETTLE_S) for line in lines if line.version))
        await bus.flushed(SETTLE_S)
        course.gap_s = max((after - one for one, after in zip(marks, marks[1:], strict=False)), default=seconds)
        course.records = await _records(bus)
        course.lost = sum(line.stored != line.version for line in lines) + course.put - course.records
    return course


async def _records(bus: Bus) -> int:
    """In the stream. Asked until there is an answer: a leader may just be elected."""
    async with asyncio.timeout(SETTLE_S):
        while True:
            try:
                return int((await bus.jetstream().stream_info(EVENTS_STREAM)).state.messages)
            except (NatsError, JetStreamError, Unavailable, TimeoutError):
                await asyncio.sleep(0.5)


def _pid(node: Natsd) -> int:
    assert node.process is not None
    return node.process.pid
