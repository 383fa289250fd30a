"""States that nobody writes any more, on a real NATS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from nats.js.api import StreamInfo

from parley.bus import Bus, untouched
from parley.bus.callstate import BUCKET, CallStore, make_bucket
from parley.bus.untouched import Untouched
from parley.settings import Settings
from parley.v1 import events_pb2
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server


async def written(store: CallStore, *call_ids: str) -> None:
    for call_id in call_ids:
        await (await store.kv()).put(call_id, events_pb2.StoredCall(version=1).SerializeToString())


async def connected(server: Natsd) -> Bus:
    bus = await Bus(Settings.read(nats_url=server.url), "test").__aenter__()
    assert await bus.ready(PATIENCE_S)
    await make_bucket(bus, 1)
    return bus


async def bucket(bus: Bus) -> StreamInfo:
    return await bus.jetstream().stream_info(f"KV_{BUCKET}")


async def test_each_look_goes_on_where_the_last_one_ended_and_ends_at_what_is_young(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server:
        bus = await connected(server)
        store, seen = CallStore(bus), Untouched(bus)
        assert await seen.look(0) == {}
        await written(store, "CA1", "CA2", "CA3")
        await written(store, "CA1")  # it is alive
        await asyncio.sleep(0.3)
        await written(store, "CA4")
        assert list(await seen.look(0.2)) == ["CA2", "CA3", "CA1"]
        assert seen._seen == 4, "what is young is not passed by"
        seen.forget("CA3")
        await written(store, "CA2")
        assert list(await seen.look(0)) == ["CA2", "CA1", "CA4"]
        assert (await seen.look(0))["CA2"].revision == 6
        await bus.__aexit__()


async def test_a_call_that_was_cleared_away_is_no_state_and_not_known_for_ever(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server:
        bus = await connected(server)
        store, seen = CallStore(bus), Untouched(bus)
        await written(store, "CA1", "CA2")
        assert not await store.purge("CA1", 2), "not what stands there"
        assert await store.purge("CA1", 1)
        assert await store.find("CA1") == "cleared"
        assert list(await seen.look(0)) == ["CA2"]
        marker = await bus.jetstream().get_last_msg(f"KV_{BUCKET}", f"$KV.{BUCKET}.CA1")
        assert (marker.headers or {})["Nats-TTL"] == "3600"
        await bus.__aexit__()


async def test_a_marker_is_gone_after_its_time(tmp_path: Path) -> None:
    """So the bucket holds an hour's calls, not a day's: `nats` keeps an index of all of them in memory."""
    async with nats_server(tmp_path) as server:
        bus = await connected(server)
        store = CallStore(bus)
        await written(store, "CA1")
        headers = {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}
        await bus.jetstream().publish(f"$KV.{BUCKET}.CA1", headers=headers, msg_ttl=1)
        assert (await bucket(bus)).state.messages == 1
        async with asyncio.timeout(PATIENCE_S):
            while (await bucket(bus)).state.messages:  # noqa: ASYNC110 - nats tells nobody
                await asyncio.sleep(0.05)
        assert await store.find("CA1") is None
        await bus.__aexit__()


async def test_many_pages_are_one_look_and_a_bucket_made_anew_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untouched, "PAGE", 3)
    async with nats_server(tmp_path) as server:
        bus = await connected(server)
        store, seen = CallStore(bus), Untouched(bus)
        names = [f"CA{n}" for n in range(10)]
        await written(store, *names)
        assert list(await seen.look(0)) == names
        await bus.jetstream().delete_key_value(BUCKET)
        await make_bucket(bus, 1)
        again = [f"CB{n}" for n in range(11)]
        await written(CallStore(bus), *again)
        assert list(await seen.look(0)) == again
        await bus.__aexit__()
