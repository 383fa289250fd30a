"""Three nats-servers with the very files of the cluster: they find each other, and keep what is theirs three times."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from nats.errors import Error as NatsError

from cli.cluster.nats import examined
from parley.bus import Bus
from parley.settings import Settings
from runner.cluster_secrets import complete
from runner.plan import free_ports, nats_server
from services.orchestrator.wiring import make_streams
from testbed.patience import PATIENCE_S
from tests.deploy.manifests import BASE

SECRETS = complete({})["nats"]


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """`PARLEY_NATS_URL`, and the monitors. As pods have it, each node has an address of its own."""
    client, routes, monitor = free_ports(3)
    hosts = [f"127.0.88.{n + 1}" for n in range(3)]
    nodes = {
        f"NATS_NODE_{n}": f"nats-route://route:{SECRETS['NATS_ROUTE']}@{host}:{routes}" for n, host in enumerate(hosts)
    }
    running = []
    for n, host in enumerate(hosts):
        here = folder / f"nats-{n}"
        here.mkdir()
        for path in (BASE / "nats").glob("*.conf"):
            (here / path.name).write_text(path.read_text().replace("/data", str(here / "data")))
        listens = ["-a", host, "-p", str(client), "-m", str(monitor), "--cluster_listen", f"nats://{host}:{routes}"]
        with (here / "log").open("wb") as log:
            running.append(
                await asyncio.create_subprocess_exec(
                    nats_server(),
                    *("-c", str(here / "nats.conf"), *listens),
                    env={**os.environ, **SECRETS, **nodes, "POD_NAME": f"nats-{n}"},
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        yield ",".join(f"nats://{host}:{client}" for host in hosts), [f"http://{host}:{monitor}" for host in hosts]
    finally:
        for process in running:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


async def test_the_files_make_a_cluster_that_doctor_finds_well(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (url, monitors):
        settings = Settings.read(
            nats_url=url, nats_user="orchestrator", nats_password=SECRETS["NATS_ORCHESTRATOR"], nats_replicas=3
        )
        async with Bus(settings, "orchestrator") as bus, asyncio.timeout(PATIENCE_S):
            assert await bus.ready(PATIENCE_S)
            while True:  # there is no leader in the first moments
                try:
                    await make_streams(bus, settings)
                    break
                except (NatsError, TimeoutError):
                    await asyncio.sleep(0.2)
            async with httpx.AsyncClient(trust_env=False) as client:
                while wrong := [each for each in examined(await told(client, monitors), 3) if each.state != "ok"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)  # a replica that was just made is behind
                assert wrong == []
                for monitor in monitors:
                    for probe in ("js-server-only", "js-enabled-only"):
                        assert (await client.get(f"{monitor}/healthz?{probe}=true")).status_code == 200
        stranger = Settings.read(nats_url=url, nats_user="orchestrator", nats_password="guessed")
        async with Bus(stranger, "orchestrator") as bus:
            assert not await bus.tried(PATIENCE_S)


async def told(client: httpx.AsyncClient, monitors: list[str]) -> dict[str, Any]:
    asked = [client.get(f"{monitor}/jsz?streams=true&config=true") for monitor in monitors]
    return {f"nats-{n}": answer.json() for n, answer in enumerate(await asyncio.gather(*asked))}
