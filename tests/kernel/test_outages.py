"""Replicas that tell each other of a vendor that is down, through a real NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from parley.aio import background
from parley.bus import Bus, outages
from parley.bus.outages import Outages, make_bucket, shared
from parley.engines.breaker import Breakers
from parley.errors import Unavailable, VendorLost
from parley.settings import Settings
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_server

ACCOUNTS = {"vendor": "0a1b2c", "local": ""}


class Replica:
    def __init__(self, bus: Bus) -> None:
        self.breakers = Breakers("stt")
        self.outages = Outages(bus, self.breakers, ACCOUNTS)

    def loses_the_vendor(self) -> None:
        for _ in range(3):
            with pytest.raises(VendorLost), self.breakers.of("vendor").begin():
                raise VendorLost("gone")

    @property
    def passes_it_over(self) -> bool:
        return self.breakers.of("vendor").is_open


@asynccontextmanager
async def replicas(folder: Path, count: int) -> AsyncIterator[list[Replica]]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(nats_server(folder))
        made = []
        for _ in range(count):
            bus = await stack.enter_async_context(Bus(Settings.read(nats_url=server.url), "stt"))
            assert await bus.ready(PATIENCE_S)
            await make_bucket(bus, 1)
            made.append(Replica(bus))
        for _ in range(2):  # the second time each knows of all
            for replica in made:
                await replica.outages.poll()
        yield made


async def polled(*them: Replica) -> None:
    for replica in them:
        await replica.outages.poll()


async def test_two_replicas_speak_for_the_third_and_one_does_not(tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as (first, second, third):
        first.loses_the_vendor()
        await polled(first, second, third)
        assert not second.passes_it_over
        second.loses_the_vendor()
        await polled(second, third)
        assert third.passes_it_over
        assert not third.breakers.of("local").is_open


async def test_the_only_replica_speaks_for_itself_after_a_restart(tmp_path: Path) -> None:
    async with replicas(tmp_path, 1) as (first,):
        assert first.outages.alone
        first.loses_the_vendor()
        await first.outages.poll()
        again = Replica(first.outages._bus)
        await again.outages.poll()
        assert again.passes_it_over


async def test_a_probe_that_works_takes_the_report_back(tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as (first, second, third):
        first.loses_the_vendor()
        second.loses_the_vendor()
        await polled(first, second)
        with first.breakers.of("vendor").begin() as last_resort:
            last_resort.succeeded()
        await polled(first, third)
        assert not first.passes_it_over
        assert not third.passes_it_over


async def test_who_found_the_vendor_well_does_not_believe_older_reports(tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as (first, second, third):
        first.loses_the_vendor()
        second.loses_the_vendor()
        await polled(first, second, third)
        with third.breakers.of("vendor").begin() as last_resort:
            last_resort.succeeded()
        await polled(third)
        assert not third.passes_it_over


async def test_a_report_leaves_at_once_and_what_nats_did_not_take_is_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "POLL_S", 60.0)
    async with nats_server(tmp_path) as server, Bus(Settings.read(nats_url=server.url), "stt") as bus:
        assert await bus.ready(PATIENCE_S)
        replica, other = Replica(bus), Replica(bus)
        replica.loses_the_vendor()
        with pytest.raises(Unavailable, match="not made yet"):
            await replica.outages.poll()
        await make_bucket(bus, 1)
        await polled(replica)
        async with background(other.outages.run()):
            other.loses_the_vendor()
            kv = await bus.jetstream().key_value("outages")
            async with asyncio.timeout(PATIENCE_S):  # it does not wait for the next poll
                while len(await kv.keys()) < 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


async def test_without_nats_and_without_a_choice_calls_are_served_all_the_same() -> None:
    away = {"PARLEY_NATS_URL": "nats://127.0.0.1:9", "DEEPGRAM_API_KEY": "k"}
    breakers = Breakers("stt")
    async with asyncio.timeout(PATIENCE_S):
        for engines in (["deepgram", "local"], ["deepgram"], ["local"]):
            settings = Settings.model_validate(away)
            async with Bus(settings, "stt") as bus, shared(bus, settings, breakers, engines):
                for _ in range(3):
                    with pytest.raises(VendorLost), breakers.of("deepgram").begin():
                        raise VendorLost("gone")
                assert breakers.of("deepgram").is_open
