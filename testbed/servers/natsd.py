"""Real nats-servers for a test, from the wheel, on free ports, with JetStream in a temporary folder.

One:

    async with nats_server(tmp_path) as server:
        server.url; server.freeze(); server.thaw(); await server.kill(); await server.start()

Three that stand in for each other (make streams and buckets with 3 replicas); up to 5 s until they have elected:

    async with nats_cluster(tmp_path) as cluster:
        Bus(Settings.read(nats_url=cluster.url), "test")
        leader = await cluster.leader("KV_calls")    # None while there is none
        await leader.kill()                          # or freeze(), thaw(), start(): as above
        others = cluster.others(leader)

With `users=passwords(SERVICES)` the servers know these users and their permissions only, as under `parley run`.
Whole runs take PARLEY_NATS_NODES=3 instead: `Stack(env={"PARLEY_NATS_NODES": "3"})` has the processes nats-1, nats-2
and nats-3 (`stack.pids("nats")`, `stack.restarted("nats-1", pid)`); `leader_of` tells by name which one leads a stream:

    env = stack.plan.operator    # may ask about CALL_EVENTS only; the orchestrator's user also about KV_calls
    name = await leader_of(
        env["PARLEY_NATS_URL"], "CALL_EVENTS", user=env["PARLEY_NATS_USER"], password=env["PARLEY_NATS_PASSWORD"]
    )
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from runner.nats_config import nats_nodes
from runner.plan import free_ports
from testbed.patience import PATIENCE_S

BINARY = Path(sys.executable).parent / "nats-server"


@dataclass
class Natsd:
    """One server. `kill`, `freeze`, `thaw` and `start` do what they say; the port stays the same."""

    folder: Path
    port: int = -1
    config: Path | None = None
    name: str = "nats"
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        ports = self.folder / "ports"
        ports.mkdir(exist_ok=True)
        for old in ports.iterdir():
            old.unlink()
        arguments = ["-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder / "js")]
        if self.config is not None:
            arguments = ["-c", str(self.config)]
        self.process = await asyncio.create_subprocess_exec(
            str(BINARY), *arguments, "--ports_file_dir", str(ports), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(PATIENCE_S):
            while not (found := list(ports.glob("*.ports"))) or not found[0].read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        self.port = int(json.loads(found[0].read_text())["nats"][0].rsplit(":", 1)[1])

    def _signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def reload(self) -> None:
        """Have it read its configuration again: who is no longer known is sent away at once."""
        self._signal(signal.SIGHUP)

    async def kill(self) -> None:
        assert self.process is not None
        self._signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        """Gone, whatever state it is in."""
        if self.process is not None and self.process.returncode is None:
            await self.kill()


@dataclass
class NatsCluster:
    """Nodes nats-1, nats-2, nats-3. `users`: name -> password, empty for open servers."""

    nodes: tuple[Natsd, ...]
    users: Mapping[str, str]

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    async def leader(self, stream: str) -> Natsd | None:
        """The node that leads a stream now; None while it is being elected."""
        user = "orchestrator" if self.users else ""
        name = await leader_of(self.url, stream, user=user, password=self.users.get(user, ""))
        return next((node for node in self.nodes if node.name == name), None)

    def others(self, node: Natsd) -> list[Natsd]:
        return [other for other in self.nodes if other is not node]


async def leader_of(url: str, stream: str = "", *, user: str = "", password: str = "") -> str:
    """Name of the node that leads a stream, "" while there is none. Without a stream: whether there is JetStream."""
    auth = {"user": user, "password": password} if user else {}

    async def known(error: Exception) -> None:
        """A node that is down is no news here."""

    try:
        client = await nats.connect(
            url.split(","),
            connect_timeout=1,
            allow_reconnect=False,
            inbox_prefix=f"_INBOX_{user}".encode(),
            error_cb=known,
            **auth,
        )
    except (NatsError, OSError, TimeoutError):
        return ""
    try:
        js = client.jetstream(timeout=1.0)
        if not stream:
            await js.account_info()
            return "somebody"
        cluster = (await js.stream_info(stream)).cluster
        return (cluster.leader if cluster is not None else None) or ""
    except (NatsError, JetStreamError, TimeoutError):
        return ""
    finally:
        await client.close()


@asynccontextmanager
async def nats_server(folder: Path) -> AsyncIterator[Natsd]:
    server = Natsd(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def nats_cluster(
    folder: Path, count: int = 3, users: Mapping[str, str] | None = None
) -> AsyncIterator[NatsCluster]:
    """`count` nodes with an elected leader, ready for streams and buckets."""
    planned = nats_nodes(count, iter(free_ports(2 * count)), folder / "js", users or {})
    nodes = []
    async with AsyncExitStack() as stack:
        for node in planned:
            home = folder / node.name
            home.mkdir()
            config = home / node.file
            config.write_text(node.config)
            nodes.append(Natsd(home, node.port, config, node.name))
            stack.push_async_callback(nodes[-1].stop)
            await nodes[-1].start()
        cluster = NatsCluster(tuple(nodes), users or {})
        user = "orchestrator" if users else ""
        async with asyncio.timeout(PATIENCE_S):
            while not await leader_of(cluster.url, user=user, password=cluster.users.get(user, "")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield cluster
