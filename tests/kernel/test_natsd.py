"""The three nodes of the tests: up in a moment, and a stream led by one of them finds another leader."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cli.nats_users import passwords
from cli.plan import SERVICES
from parley.bus import Bus, make_events_stream
from parley.settings import Settings
from tests.natsd import nats_cluster


async def test_when_the_leader_is_killed_another_takes_its_place(tmp_path: Path) -> None:
    users = passwords(SERVICES)
    async with nats_cluster(tmp_path, users=users) as cluster, asyncio.timeout(40):
        settings = Settings.read(nats_url=cluster.url, nats_user="orchestrator", nats_password=users["orchestrator"])
        made = asyncio.Event()

        async def make(bus: Bus) -> None:
            await make_events_stream(bus, 3)
            made.set()

        bus = Bus(settings, "test")
        bus.on_connect(make)
        async with bus:
            await made.wait()
            first = await cluster.leader("CALL_EVENTS")
            assert first is not None
            await first.kill()
            while (second := await cluster.leader("CALL_EVENTS")) in (None, first):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            assert second in cluster.others(first)
            await first.start()
