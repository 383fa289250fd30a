"""Calls while NATS loses one node of three, or is gone altogether: they go on, and afterwards nothing is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from parley.bus import records_of
from parley.errors import ParleyError, Unavailable
from parley.v1 import events_pb2
from services.orchestrator.wire import replay
from testbed.organs import AGENT, Gateway, House, house
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import NatsCluster, Natsd, nats_cluster

PATIENT = f"{AGENT}\nsilence: {{prompt_after_s: 60}}"
AT_ONCE_S = 1.0  # for a turn on a busy machine; some ms on a quiet one
ELECTED_S = 25.0  # 4 to 7 s for each of what had the node for its leader, on a quiet machine


async def dialled(h: House, call_id: str) -> Gateway:
    """A call, as far as its greeting was heard; that comes at once."""
    began = time.monotonic()
    g = await h.gateway()
    await g.opens(call_id)
    utterance, _ = await g.said()
    assert time.monotonic() - began < AT_ONCE_S
    await g.hears(utterance)
    return g


async def turn(g: Gateway, text: str) -> None:
    """The caller asks and is answered at once."""
    began = time.monotonic()
    await g.types(text)
    utterance, said = await g.said()
    assert said == f"You said {text}."
    assert time.monotonic() - began < AT_ONCE_S
    await g.hears(utterance)


async def hang_up(g: Gateway) -> None:
    await g.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "caller hung up"})
    async with asyncio.timeout(PATIENCE_S):
        while await g.stream.read() is not None:
            pass


async def stored(h: House, call_id: str, turns: int) -> None:
    """Until the store has the call's state after so many turns."""
    async with asyncio.timeout(ELECTED_S):
        while True:
            try:
                found = await h.calls._means.store.read(call_id)
            except Unavailable:
                found = None
            if found is not None and found[0].state.turn >= turns:
                return
            await asyncio.sleep(0.05)


async def kept(h: House, call_id: str) -> list[events_pb2.EventRecord]:
    """The call's records, as soon as there is a leader to give them."""
    async with asyncio.timeout(ELECTED_S):
        while True:
            try:
                found = await records_of(h.calls._means.bus, call_id)
            except Unavailable:
                await asyncio.sleep(0.1)
                continue
            return [events_pb2.EventRecord.FromString(data) for data in found]


async def complete(h: House, call_id: str) -> replay.Replayed:
    """The call's records have no hole, an end, and say what was decided."""
    assert await h.calls._means.bus.flushed(ELECTED_S)
    result = replay.replayed(replay.valid(await kept(h, call_id)))
    assert (result.differs, result.ended) == (None, True)
    return result


def writes() -> float:
    return REGISTRY.get_sample_value("voice_state_writes_total", {"outcome": "stored"}) or 0.0


@asynccontextmanager
async def clustered(tmp: Path, **settings: Any) -> AsyncIterator[tuple[House, NatsCluster]]:
    (tmp / "nats").mkdir()
    async with (
        nats_cluster(tmp / "nats") as cluster,
        house(tmp, PATIENT, nats_url=cluster.url, nats_replicas=3, **settings) as h,
    ):
        yield h, cluster


async def leaders(cluster: NatsCluster) -> list[Natsd]:
    return [found for name in ("KV_calls", "CALL_EVENTS") if (found := await cluster.leader(name)) is not None]


async def test_a_node_that_leads_nothing_is_missed_by_nobody(tmp_path: Path) -> None:
    async with clustered(tmp_path) as (h, cluster):
        g = await dialled(h, "CA1")
        await stored(h, "CA1", 1)
        leading = await leaders(cluster)
        victim = next(node for node in cluster.nodes if node not in leading)
        await victim.kill()
        for n in range(3):
            await turn(g, f"question {n}")
        await stored(h, "CA1", 4)
        await hang_up(g)
        await complete(h, "CA1")


@pytest.mark.soak
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_a_leading_node_is_lost_and_no_turn_notices(tmp_path: Path, how: str) -> None:
    async with clustered(tmp_path) as (h, cluster):
        g = await dialled(h, "CA1")
        await stored(h, "CA1", 1)
        victim = await cluster.leader("KV_calls")
        assert victim is not None
        if how == "killed":
            await victim.kill()
        else:
            victim.freeze()
        new = await dialled(h, "CA2")
        for n in range(10):
            await turn(g, f"question {n}")
            await turn(new, f"question {n}")
        await stored(h, "CA2", 10)
        await stored(h, "CA1", 10)
        if how == "frozen":
            victim.thaw()
        for n, each in enumerate((g, new), 1):
            await turn(each, "and then")
            await hang_up(each)
            await complete(h, f"CA{n}")


async def outage(h: House, down: Callable[[], Awaitable[None]], up: Callable[[], Awaitable[None]]) -> None:
    """All of NATS goes away under a call, and another call comes meanwhile."""
    bus = h.calls._means.bus
    g = await dialled(h, "CA1")
    await turn(g, "before")
    await stored(h, "CA1", 2)
    await down()
    async with asyncio.timeout(PATIENCE_S):
        while bus.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    new = await dialled(h, "CA2")
    for n in range(10):
        await turn(g, f"question {n}")
        await turn(new, f"question {n}")
    before = writes()
    await up()
    await stored(h, "CA1", 12)
    await stored(h, "CA2", 11)
    assert writes() - before <= 4, "the newest value of each call, not each that was"
    for n, each in enumerate((g, new), 1):
        await turn(each, "afterwards")
        await hang_up(each)
        assert (await complete(h, f"CA{n}")).records >= 12


async def test_without_nats_calls_go_on_and_come_and_afterwards_all_is_stored(tmp_path: Path) -> None:
    async with house(tmp_path, PATIENT) as h:
        await outage(h, h.nats.kill, h.nats.start)


@pytest.mark.soak
async def test_all_three_nodes_are_lost_and_come_back(tmp_path: Path) -> None:
    async with clustered(tmp_path) as (h, cluster):

        async def down() -> None:
            await asyncio.gather(*(node.kill() for node in cluster.nodes))

        async def up() -> None:
            await asyncio.gather(*(node.start() for node in cluster.nodes))

        await outage(h, down, up)


async def test_a_house_that_wants_durability_takes_no_new_calls_without_nats_and_keeps_the_live_ones(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, PATIENT, without_nats="refuse") as h:
        bus = h.calls._means.bus
        g = await dialled(h, "CA1")
        await h.nats.kill()
        async with asyncio.timeout(PATIENCE_S):
            while bus.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        refused = await h.gateway()
        await refused.opens("CA2")
        with pytest.raises(ParleyError, match="no new calls while NATS is away"):
            await refused.until("say")
        await turn(g, "still there")
        await h.nats.start()
        assert await bus.flushed(10)
        await dialled(h, "CA3")
