"""The bus through what NATS and its client do to it: away, silent, late, flooded, refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import DEFAULT_MAX_RECONNECT_ATTEMPTS
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from parley.bus import Bus, connection, make_events_stream
from parley.bus.callstate import CallStore, make_bucket
from parley.bus.untouched import Untouched
from parley.process.log_limit import Seldom
from parley.settings import Settings
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_cluster, nats_server
from tests.kernel.test_callstate import Owner, read

SUBJECT = "call.*.cancel"


class Listening:
    """What a process hears of cancels. `hold` makes it slow."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        await self.go.wait()
        self.heard.put_nowait(data)

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.heard.get()


@asynccontextmanager
async def bus_of(server: Natsd, listening: Listening | None = None, **settings: str) -> AsyncIterator[Bus]:
    bus = Bus(Settings.read(nats_url=server.url, **settings), "test")

    async def prepare(bus: Bus) -> None:
        await make_bucket(bus, 1)
        await make_events_stream(bus, 1)

    bus.on_connect(prepare)
    if listening is not None:
        bus.subscribe(SUBJECT, listening)
    async with bus:
        assert await bus.ready(10)
        yield bus


async def until(what: str, bus: Bus, is_so: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while bus.connected is not is_so:  # noqa: ASYNC110 - the client tells of it in no other way
            await asyncio.sleep(0.005)
    assert bus.connected is is_so, what


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def test_nats_may_be_away_for_longer_than_the_client_would_try_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAIT_S", 0.001)
    listening = Listening()
    async with nats_server(tmp_path) as server, bus_of(server, listening) as bus:
        with capture_logs() as logs:
            await server.kill()
            client = bus._client
            assert client is not None
            async with asyncio.timeout(PATIENCE_S):
                while client._server_pool[0].reconnects <= DEFAULT_MAX_RECONNECT_ATTEMPTS:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            bus.record("CA1", "CA1/1.1/1", b"record")
        told = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
        assert 1 <= len(told) == len(set(told)) <= 3, "each trouble once, not at each try"
        await server.start()
        await until("it is back", bus, True)
        assert await bus.flushed(10)
        await bus.publish("call.CA1.cancel", b"still listening")
        assert await listening.next() == b"still listening"


async def test_a_silent_server_is_left_after_some_pings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_S", 0.05)
    async with nats_server(tmp_path) as server, bus_of(server) as bus:
        server.freeze()
        await until("the silence is noticed", bus, False)
        bus.record("CA1", "CA1/1.1/1", b"record")
        server.thaw()
        await until("it is back", bus, True)
        assert await bus.flushed(10)


async def test_what_comes_late_is_not_acted_on_and_what_is_said_to_nobody_is_not_said_later(tmp_path: Path) -> None:
    listening = Listening()
    async with nats_server(tmp_path) as server, bus_of(server, listening) as bus:
        late = counted("voice_control_messages_late_total")
        other = await nats.connect(server.url)
        old = {"at": f"{time.time() - connection.STALE_S - 1:.3f}"}
        await other.publish("call.CA1.cancel", b"from before the break", headers=old)
        await other.publish("call.CA1.cancel", b"broken", headers={"at": "yesterday"})
        await other.close()
        await bus.publish("call.CA1.cancel", b"first")
        assert await listening.next() == b"first"
        assert counted("voice_control_messages_late_total") == late + 2
        await server.kill()
        await until("it is away", bus, False)
        await bus.publish("call.CA1.cancel", b"to nobody")
        await server.start()
        await until("it is back", bus, True)
        await bus.publish("call.CA1.cancel", b"second")
        assert await listening.next() == b"second"


async def test_a_process_that_takes_messages_slowly_loses_some_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "QUEUED", 10)
    listening = Listening()
    async with nats_server(tmp_path) as server, bus_of(server, listening) as bus:
        dropped = counted("voice_control_messages_dropped_total")
        listening.go.clear()
        with capture_logs() as logs:
            for _ in range(200):
                await bus.publish("call.CA1.cancel", b"flood")
            async with asyncio.timeout(PATIENCE_S):
                while counted("voice_control_messages_dropped_total") < dropped + 189:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert [entry["event"] for entry in logs] == ["NATS error"], "told once, not 189 times"
        assert bus.connected
        listening.go.set()
        for _ in range(10):
            assert await listening.next() == b"flood"
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await bus.publish("call.CA1.cancel", b"after")
                if await listening.next() == b"after":
                    return


async def test_a_process_whose_password_is_refused_comes_back_by_itself(tmp_path: Path) -> None:
    users = {"orchestrator": "right", "operator": "other"}
    listening = Listening()
    async with nats_cluster(tmp_path, 1, users) as cluster:
        (server,) = cluster.nodes
        assert server.config is not None
        config = server.config.read_text()
        async with bus_of(server, listening, nats_user="orchestrator", nats_password="right") as bus:
            client = bus.client
            server.config.write_text(config.replace("right", "changed"))
            server.reload()
            await until("sent away", bus, False)
            bus.record("CA1", "CA1/1.1/1", b"record")
            server.config.write_text(config)
            server.reload()
            await until("let in again", bus, True)
            assert bus.client is not client, "the old client had closed itself for good"
            assert await bus.flushed(10)
            await bus.publish("call.CA1.cancel", b"still listening")
            assert await listening.next() == b"still listening"
            assert await CallStore(bus).read("CA1") is None


async def test_all_states_are_listed_at_once_after_a_restart_of_nats(tmp_path: Path) -> None:
    async with nats_server(tmp_path) as server, bus_of(server) as bus:
        store = CallStore(bus)
        owner = Owner(store)
        owner.put(1)
        assert await owner.writer.idle(5)
        assert list(await Untouched(bus).look(0)) == ["CA1"] == await store.calls()
        await server.kill()
        await server.start()
        await until("it is back", bus, True)
        async with asyncio.timeout(PATIENCE_S):  # a watch of before would be silent for 14 to 19 s
            assert list(await Untouched(bus).look(0)) == ["CA1"] == await store.calls()
        owner.put(2)
        assert await owner.writer.idle(5)
        assert (await read(store)).version == 2
        await store.aclose()


@pytest.mark.parametrize("moment", ["connected", "away", "never there"])
async def test_a_process_can_always_stop(tmp_path: Path, moment: str) -> None:
    async with nats_server(tmp_path) as server:
        if moment == "never there":
            await server.kill()
        bus = Bus(Settings.read(nats_url=server.url), "test")
        async with asyncio.timeout(PATIENCE_S):
            async with bus:
                assert await bus.ready(0.3) is (moment != "never there")
                if moment == "away":
                    await server.kill()
                    await until("it is away", bus, False)
                bus.record("CA1", "CA1/1.1/1", b"record")


def test_what_passes_soon_is_told_as_information_and_what_lasts_as_a_warning() -> None:
    now = 0.0
    trouble = Seldom(30.0, lambda: now, patience_s=10.0)
    with capture_logs() as logs:
        for second in range(3):
            now = second
            trouble.warning("away")
        trouble.over()
        for second in range(20, 45):
            now = second
            trouble.warning("away")
    told = [(entry["log_level"], entry.get("times")) for entry in logs]
    assert told == [("info", None), ("info", None), ("warning", 11)]


def test_a_trouble_is_told_once_then_every_thirty_seconds_and_at_once_when_it_comes_again() -> None:
    now = 0.0
    trouble = Seldom(30.0, lambda: now)
    with capture_logs() as logs:
        for tenth in range(650):
            now = tenth / 10
            trouble.warning("away", error="refused")
        trouble.warning("late")
        trouble.over()
        trouble.warning("away")
    assert [(entry["event"], entry["times"]) for entry in logs] == [
        ("away", 1),
        ("away", 300),
        ("away", 300),
        ("late", 1),
        ("away", 1),
    ]
