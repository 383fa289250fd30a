"""The state of a call in a real NATS: written behind, read back when in doubt, given up to a newer owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parley.bus import Bus, make_events_stream
from parley.bus.callstate import MAX_BYTES, CallStore, CallWriter, Unreadable, make_bucket
from parley.errors import BadInput, Unavailable
from parley.settings import Settings
from parley.v1 import events_pb2
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server


@asynccontextmanager
async def connected(server: Natsd) -> AsyncIterator[tuple[Bus, CallStore]]:
    bus = Bus(Settings.read(nats_url=server.url), "test")

    async def prepare(bus: Bus) -> None:
        await make_bucket(bus, 1)
        await make_events_stream(bus, 1)

    bus.on_connect(prepare)
    async with bus:
        assert await bus.ready(PATIENCE_S)
        store = CallStore(bus)
        try:
            yield bus, store
        finally:
            await store.aclose()


class Owner:
    """One owner's writer, and what it was told."""

    def __init__(self, store: CallStore, leg: int = 1, opened: int = 1) -> None:
        self.leg, self.opened = leg, opened
        self.stored: list[int] = []
        self.superseded = asyncio.Event()
        self.writer: CallWriter = store.writer("CA1", self.stored.append, lambda _: self.superseded.set())

    def put(self, version: int, text: str = "") -> None:
        value = events_pb2.StoredCall(version=version)
        value.epoch.leg, value.epoch.open = self.leg, self.opened
        value.state.call_id, value.state.agent = "CA1", text
        self.writer.put(value)


async def read(store: CallStore) -> events_pb2.StoredCall:
    found = await store.read("CA1")
    assert found is not None
    return found[0]


async def test_versions_given_while_one_is_written_coalesce_and_the_newest_wins(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        owner = Owner(store)
        for version in range(1, 101):
            owner.put(version)
        assert await owner.writer.idle(5)
        assert owner.stored[-1] == 100
        assert len(owner.stored) < 20
        assert (await read(store)).version == 100


async def test_a_new_owner_writes_over_a_lower_epoch(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        old, new = Owner(store), Owner(store, 1, 2)
        old.put(5)
        await old.writer.idle(5)
        new.put(6)
        assert await new.writer.idle(5)
        assert new.stored == [6]
        assert (await read(store)).epoch.open == 2


async def test_what_is_damaged_is_named_and_written_over(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        await (await store.kv()).put("CA1", b"\xff\xff garbage")
        with pytest.raises(Unreadable, match="no state"):
            await store.read("CA1")
        owner = Owner(store, opened=2)
        owner.put(7)
        assert await owner.writer.idle(5)
        assert ((await read(store)).version, owner.stored) == (7, [7])


async def test_the_old_owner_learns_that_it_is_superseded_and_stops(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        old, new = Owner(store), Owner(store, 2, 1)
        old.put(1)
        await old.writer.idle(5)
        new.put(2)
        await new.writer.idle(5)
        old.put(3)
        await asyncio.wait_for(old.superseded.wait(), PATIENCE_S)
        assert (await read(store)).version == 2
        old.put(4)
        assert await old.writer.idle(1)
        assert old.stored == [1]


async def test_our_own_write_whose_answer_was_lost_is_recognised(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        owner = Owner(store)
        owner.put(1)
        await owner.writer.idle(5)
        kv = await store.kv()
        mine = (await read(store)).SerializeToString()
        await kv.put("CA1", mine)  # the revision moves on without the writer knowing
        owner.put(2)
        assert await owner.writer.idle(5)
        assert not owner.writer.superseded
        assert (await read(store)).version == 2


async def test_a_server_frozen_for_two_seconds_costs_no_version_and_no_owner(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        owner = Owner(store)
        owner.put(1)
        await owner.writer.idle(5)
        server.freeze()
        for version in range(2, 8):
            owner.put(version)
            await asyncio.sleep(0.3)
        server.thaw()
        assert await owner.writer.idle(10)
        assert not owner.writer.superseded
        assert (await read(store)).version == 7


async def test_a_killed_server_gets_the_newest_version_when_it_is_back(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (bus, store):
        owner = Owner(store)
        owner.put(1)
        await owner.writer.idle(5)
        await server.kill()
        for version in range(2, 50):
            owner.put(version)
            bus.record("CA1", f"CA1/1.1/{version}", b"record")
        with pytest.raises(Unavailable):
            await store.read("CA1")
        await server.start()
        assert await owner.writer.idle(20)
        assert (await read(store)).version == 49
        assert await bus.flushed(10)
        info = await bus.jetstream().stream_info("CALL_EVENTS")
        assert info.state.messages == 48


async def test_a_record_sent_twice_is_kept_once(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (bus, _):
        for _ in range(2):
            bus.record("CA1", "CA1/1.1/1", b"record")
        assert await bus.flushed(5)
        info = await bus.jetstream().stream_info("CALL_EVENTS")
        assert info.state.messages == 1


async def test_a_record_that_nats_refuses_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (bus, _):
        bus.record("CA1", "CA1/1.1/1", b"x" * (2 << 20))
        bus.record("CA2", "CA2/1.1/1", b"record")
        assert await bus.flushed(5)
        info = await bus.jetstream().stream_info("CALL_EVENTS")
        assert info.state.messages == 1


async def test_what_nats_was_not_ready_for_is_done_as_soon_as_it_is(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server:
        bus = Bus(Settings.read(nats_url=server.url), "test")
        asked, made = [], asyncio.Event()

        async def prepare(bus: Bus) -> None:
            asked.append(1)
            if len(asked) < 3:
                raise TimeoutError
            made.set()

        bus.on_connect(prepare)
        async with bus, asyncio.timeout(PATIENCE_S):
            await made.wait()


async def test_a_state_over_the_bound_is_refused_by_name(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, connected(server) as (_, store):
        with pytest.raises(BadInput, match=str(MAX_BYTES)):
            Owner(store).put(1, "x" * MAX_BYTES)


async def test_a_service_starts_without_nats_and_connects_when_it_comes(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server:
        await server.kill()
        bus = Bus(Settings.read(nats_url=server.url), "test")
        async with bus:
            assert not await bus.ready(0.2)
            await server.start()
            assert await bus.ready(10)
