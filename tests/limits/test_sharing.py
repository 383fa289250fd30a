"""Who asks all replicas gets no more than who asks one: by a real nats-server."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from parley.aio import background
from parley.bus import Bus
from parley.limits.open_sockets import BELIEVED_S, REPLICAS, OpenSockets
from parley.limits.rules import Steady, Window
from parley.limits.sharing import Sharing, subject
from parley.limits.table import Table
from parley.settings import Settings
from runner.nats_users import passwords
from runner.plan import SERVICES
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_cluster

BUSY = "203.0.113.5"


def test_what_another_replica_gave_counts_here() -> None:
    here, there = Table("api", Window(200, 60.0)), Table("api", Window(200, 60.0))
    for _ in range(150):
        assert there.take(BUSY, 0.0) == 0.0
    there.take("198.51.100.1", 0.0)
    told = there.heavy(10)
    assert told == [(BUSY, 150.0)], "one request is not worth a word"
    assert there.heavy(10) == []
    for address, cost in told:
        here.charge(address, cost, 0.0)
    assert sum(here.take(BUSY, 0.0) == 0.0 for _ in range(150)) == 50


def test_what_others_say_is_believed_within_bounds() -> None:
    table = Table("door", Steady(30.0, 20.0))
    for _ in range(100):
        table.charge(BUSY, 1e9, 0.0)
    assert table.take(BUSY, 0.0) <= 1.0, "twice what may be taken at once, and no more"


def test_sockets_are_counted_over_all_replicas() -> None:
    sockets = OpenSockets("open", 100)
    with ExitStack() as held:
        for _ in range(60):
            assert sockets.room(BUSY, 0.0)
            held.enter_context(sockets.hold(BUSY))
        assert sockets.many(10) == [(BUSY, 60)]
        sockets.told("b", {BUSY: 40}, 0.0)
        assert not sockets.room(BUSY, 0.1)
        assert sockets.room("198.51.100.1", 0.1)
        assert sockets.room(BUSY, BELIEVED_S + 0.1), "a replica that says nothing holds nothing"
    assert sockets.many(10) == []


def test_only_so_many_replicas_are_believed() -> None:
    sockets = OpenSockets("open", 10)
    for n in range(10_000):
        sockets.told(f"r{n}", {BUSY: 1}, 0.0)
    assert len(sockets._elsewhere) == REPLICAS


@pytest.mark.parametrize(
    "said", [{}, {"from": "b"}, {"from": "b", "taken": [1]}, None, {"from": "b", "taken": {"api": 1}}]
)
def test_what_cannot_be_read_is_not_taken(said: object) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError)):
        Sharing("gateway", [Table("api", None)]).take(said)


async def test_two_replicas_tell_each_other(tmp_path: Path) -> None:
    users = passwords(SERVICES)
    async with nats_cluster(tmp_path, 1, users) as server:
        settings = Settings.read(nats_url=server.url, nats_user="gateway", nats_password=users["gateway"])
        tables = [Table("door", Steady(1e-9, 20.0)) for _ in range(2)]
        replicas = [Sharing("gateway", [table], OpenSockets("open", 1)) for table in tables]
        buses = [Bus(settings, "gateway") for _ in replicas]
        for replica, bus in zip(replicas, buses, strict=True):
            replica.listen(bus)
        async with buses[0], buses[1], background(*(r.run(b) for r, b in zip(replicas, buses, strict=True))):
            assert await buses[0].ready(PATIENCE_S)
            assert await buses[1].ready(PATIENCE_S)
            for _ in range(20):
                assert tables[0].take(BUSY, time.monotonic()) == 0.0
            async with asyncio.timeout(PATIENCE_S):
                while not len(tables[1]):  # noqa: ASYNC110 - nobody is told
                    await asyncio.sleep(0.01)
            assert tables[1].take(BUSY, time.monotonic()) > 0
            await buses[0].publish(subject("gateway"), b"nonsense")
            await buses[0].publish(subject("gateway"), b"[]")
            for _ in range(3):
                await replicas[0].tell(buses[0])
