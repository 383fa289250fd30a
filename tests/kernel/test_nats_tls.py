"""NATS over TLS: both ends show certificates, a new one at the next connection, and nothing goes in the clear."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.bus import Bus
from parley.security import certificates
from parley.settings import Settings
from runner.authority import Authority, Issued
from runner.nats_config import NatsTls, nats_nodes
from runner.nats_users import passwords
from runner.plan import free_ports
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server

USERS = passwords(["orchestrator", "llm"])


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_S", 0.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@asynccontextmanager
async def secure_nats(folder: Path, issued: Issued) -> AsyncIterator[Natsd]:
    tls = NatsTls(issued.ca, issued.cert, issued.key)
    (node,) = nats_nodes(1, iter(free_ports(1)), folder / "js", USERS, tls)
    (folder / node.file).write_text(node.config)
    server = Natsd(folder, node.port, folder / node.file, node.name)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def settings(server: Natsd, user: str, issued: Issued, host: str = "127.0.0.1") -> Settings:
    address = f"tls://{host}:{server.port}"
    return Settings.read(nats_url=address, nats_user=user, nats_password=USERS[user], **issued.env)


async def until_heard(bus: Bus, heard: asyncio.Queue[bytes]) -> None:
    """Say something new, again and again: nobody may listen yet, or anymore."""
    said = secrets.token_bytes(8)
    async with asyncio.timeout(PATIENCE_S):
        while heard.empty() or heard.get_nowait() != said:
            await bus.publish("call.CA1.cancel", said)
            await asyncio.sleep(0.05)


async def test_a_bus_shows_its_certificate_and_a_renewed_one_after_a_reconnect(
    tmp_path: Path, authority: Authority
) -> None:
    nats, llm, mind = authority.issue("nats", ["127.0.0.1"]), authority.issue("llm"), authority.issue("orchestrator")
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(subject: str, data: bytes, headers: dict[str, str]) -> None:
        heard.put_nowait(data)

    async with secure_nats(tmp_path, nats) as server:
        listening = Bus(settings(server, "llm", llm), "llm")
        listening.subscribe("call.*.cancel", hear)
        async with listening, Bus(settings(server, "orchestrator", mind), "orchestrator") as bus:
            assert await bus.ready(PATIENCE_S)
            assert await listening.ready(PATIENCE_S)
            await until_heard(bus, heard)
            authority.renew()
            server.reload()
            await until_heard(bus, heard)

            fresh = Authority(tmp_path / "later")  # with whose certificates the old ones are refused
            for issued in (nats, llm, mind):
                name = issued.cert.parent.name
                new = fresh.issue(name, ["127.0.0.1"])
                for old, now in ((issued.ca, new.ca), (issued.cert, new.cert), (issued.key, new.key)):
                    old.write_bytes(now.read_bytes())
            await server.kill()
            await server.start()
            await until_heard(bus, heard)


async def test_nodes_talk_to_each_other_over_tls(tmp_path: Path, authority: Authority) -> None:
    issued, llm = authority.issue("nats", ["127.0.0.1"]), authority.issue("llm")
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(subject: str, data: bytes, headers: dict[str, str]) -> None:
        heard.put_nowait(data)

    tls = NatsTls(issued.ca, issued.cert, issued.key)
    async with AsyncExitStack() as stack:
        servers = []
        for node in nats_nodes(3, iter(free_ports(6)), tmp_path / "js", USERS, tls):
            home = tmp_path / node.name
            home.mkdir()
            (home / node.file).write_text(node.config)
            servers.append(Natsd(home, node.port, home / node.file, node.name))
            stack.push_async_callback(servers[-1].stop)
            await servers[-1].start()
        first, _, last = servers
        there = Bus(settings(last, "llm", llm), "llm")
        there.subscribe("call.*.cancel", hear)
        mind = settings(first, "orchestrator", authority.issue("orchestrator"))
        async with there, Bus(mind, "orchestrator") as here:
            assert await there.ready(PATIENCE_S)
            assert await here.ready(PATIENCE_S)
            await until_heard(here, heard)


async def test_who_shows_no_certificate_of_the_house_is_refused(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path / "strangers").issue("llm")
    mixed = tmp_path / "mixed"
    mixed.write_bytes(stranger.ca.read_bytes() + authority.issue("llm").ca.read_bytes())
    his = Issued(mixed, stranger.cert, stranger.key)  # he believes the house; the house does not believe him
    nats = authority.issue("nats", ["127.0.0.1"])
    async with secure_nats(tmp_path, nats) as server, Bus(settings(server, "llm", his), "llm") as bus:
        assert not await bus.tried(PATIENCE_S)


async def test_a_server_of_another_name_is_not_spoken_to(tmp_path: Path, authority: Authority) -> None:
    nats, llm = authority.issue("nats", ["127.0.0.2"]), authority.issue("llm")
    async with secure_nats(tmp_path, nats) as server, Bus(settings(server, "llm", llm), "llm") as bus:
        assert not await bus.tried(PATIENCE_S)


async def test_no_password_is_sent_to_a_server_without_tls(tmp_path: Path, authority: Authority) -> None:
    async with nats_server(tmp_path) as server:
        with capture_logs() as logs:
            async with Bus(settings(server, "llm", authority.issue("llm")), "llm") as bus:
                assert not await bus.tried(PATIENCE_S)
    assert "nats: the address says tls://, the server does not" in [entry.get("error") for entry in logs]
