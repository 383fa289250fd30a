"""Calls that nobody owns any more, on real NATS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parley.errors import Unavailable
from parley.v1 import events_pb2
from services.orchestrator.own.sweeper import Sweeper
from testbed.organs import House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_owners import started


async def abandoned(h: House) -> None:
    """A call whose owner dies without a word, and whose gateway does too."""
    g, _ = await started(h)
    (owner,) = h.calls._conductors.values()
    async with asyncio.timeout(PATIENCE_S):
        while owner.paper.acked < g.seq:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    owner.halt()
    g.stream.cancel()
    async with asyncio.timeout(PATIENCE_S):
        while len(h.calls):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_orphan_is_ended_once_by_whichever_replica_comes_first_and_then_cleared_away(tmp_path: Path) -> None:
    async with house(tmp_path, call_linger_s=1) as h, replica(h) as other:
        await abandoned(h)
        sweepers = [Sweeper(each.calls._means, each.calls, orphan_s=0) for each in (h, other)]
        means = h.calls._means
        before = await means.store.read("CA1")
        assert before is not None
        await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
        found = await means.store.read("CA1")
        assert found is not None
        ended = found[0]
        assert ended.state.floor.ended.reason == "nobody came back"
        assert (ended.epoch.leg, ended.epoch.open, ended.swept) == (1, 2, True)
        for each in (h, other):
            assert await each.calls._means.bus.flushed(5)
        stream = means.bus.jetstream()
        last = await stream.get_last_msg("CALL_EVENTS", "call.CA1.event")
        record = events_pb2.EventRecord.FromString(last.data or b"")
        assert (record.n, record.ended) == (before[0].records + 1, True)
        info = await stream.stream_info("CALL_EVENTS")
        assert info.state.messages == record.n
        async with asyncio.timeout(PATIENCE_S):
            while await means.store.read("CA1") is not None:
                await sweepers[0].sweep()
                await asyncio.sleep(0.1)


async def test_a_call_whose_owner_lives_is_touched_and_left_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        await started(h)
        store = h.calls._means.store
        await asyncio.sleep(0.5)
        before = await store.read("CA1")
        assert before is not None
        h.calls.touch(0.1)
        async with asyncio.timeout(PATIENCE_S):
            while (now := await store.read("CA1")) is None or now[1] == before[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await Sweeper(other.calls._means, other.calls, orphan_s=0.45).sweep()
        found = await h.calls._means.store.read("CA1")
        assert found is not None
        assert not found[0].swept


async def test_a_live_call_that_was_taken_for_an_orphan_goes_on_above_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        g, state = await started(h)
        (first,) = h.calls._conductors.values()
        async with asyncio.timeout(PATIENCE_S):
            while first.paper.acked < g.seq:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await Sweeper(other.calls._means, other.calls, orphan_s=0).sweep()
        await g.types("and now")
        seq = g.seq
        for number in (2, 3):
            with pytest.raises(Unavailable, match="open elsewhere"):
                await g.until("hang_up")
            g = await h.gateway(1, number)
            await g.opens(state=state, mouth={"turn": 2, "last_utterance": 2})
            await g.until("state")
        g.seq = seq
        await g.types("and now again")
        assert (await g.said())[1] == "You said and now again."
