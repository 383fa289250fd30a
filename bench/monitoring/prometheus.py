"""A real Prometheus that scrapes a running house, with the rules, alerts and dashboards that are deployed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from parley.errors import Misconfigured
from runner.plan import free_ports
from runner.stack import Stack
from testbed.monitoring.dashboards import FOLDER, Dashboard

EVERY_S = 2
WINDOW = "20s"
"""What `$__rate_interval` is here: four scrapes at least, as Grafana would have it."""
READY_S = 20.0

Labels = Mapping[str, str]


def plain(query: str) -> str:
    """A dashboard's query without Grafana's variables."""
    return query.replace("$__rate_interval", WINDOW)


@dataclass(frozen=True)
class Prometheus:
    """A server. Times are unix seconds."""

    url: str
    http: httpx.AsyncClient

    async def _ask(self, path: str, **parameters: str | float) -> Any:
        answer = await self.http.get(f"{self.url}/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()["data"]

    async def now(self, query: str) -> list[tuple[Labels, float]]:
        """The newest value of each series."""
        return [(each["metric"], float(each["value"][1])) for each in (await self._ask("query", query=query))["result"]]

    async def over(self, query: str, since: float, until: float) -> list[tuple[Labels, list[tuple[float, float]]]]:
        """Of each series the values between two times."""
        found = await self._ask("query_range", query=query, start=since, end=until, step=EVERY_S)
        return [
            (each["metric"], [(float(at), float(value)) for at, value in each["values"]]) for each in found["result"]
        ]

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule and alert, with its health and its state."""
        return [rule for group in (await self._ask("rules"))["groups"] for rule in group["rules"]]

    async def names(self) -> set[str]:
        """Of all series that there are."""
        return set(await self._ask("label/__name__/values"))


@asynccontextmanager
async def watching(stack: Stack, boards: Sequence[Dashboard], folder: Path) -> AsyncIterator[Prometheus]:
    """Raises Misconfigured: it is not installed, or does not start."""
    if shutil.which("prometheus") is None:
        raise Misconfigured("prometheus is missing: apt-get install -y prometheus")
    _write(stack, boards, folder)
    (port,) = free_ports(1)
    log = open(folder / "prometheus.log", "w+b")  # noqa: ASYNC230, SIM115 - closed below; on this machine
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        stdout=log,
        stderr=log,
        env={**os.environ, "GOMAXPROCS": "1"},
    )
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            if not await _ready(http, f"http://127.0.0.1:{port}/-/ready", process):
                log.seek(0)
                raise Misconfigured(f"prometheus did not start: {log.read()[-500:].decode(errors='replace')}")
            yield Prometheus(f"http://127.0.0.1:{port}", http)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()


def _write(stack: Stack, boards: Sequence[Dashboard], folder: Path) -> None:
    """What the server reads. Rules are evaluated as often as is scraped: a run lasts minutes, not days."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.rules.yml"):
        text = re.sub(r"^( +interval:) .*$", rf"\1 {EVERY_S}s", path.read_text("utf-8"), flags=re.MULTILINE)
        (folder / path.name).write_text(text)
    (folder / "dashboards.rules.yml").write_text(yaml.safe_dump(as_rules(boards)))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configured(stack)))


def configured(stack: Stack) -> dict[str, Any]:
    """What is deployed, but the house's processes instead of names in DNS, and looked at more often."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    services = {process.name: process.service for process in stack.plan.processes}
    targets = [
        {"targets": [url.removeprefix("http://").removesuffix("/metrics")], "labels": {"service": services[name]}}
        for name, url in stack.metrics_urls().items()
    ]
    return {
        "global": {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"},
        "rule_files": config["rule_files"],
        "scrape_configs": [{"job_name": "parley", "static_configs": targets}],
    }


def as_rules(boards: Sequence[Dashboard]) -> dict[str, Any]:
    """Every query of every dashboard as a recording rule: Prometheus itself evaluates it, again and again."""
    groups = []
    for board in boards:
        queries = [(panel, query) for panel in board.panels for query in panel.ask]
        rules = [
            {"record": f"dashboard:{board.name}:{n}", "expr": plain(query.expr)} for n, (_, query) in enumerate(queries)
        ]
        groups.append({"name": f"dashboard-{board.name}", "rules": rules})
    return {"groups": groups}


async def _ready(http: httpx.AsyncClient, url: str, process: asyncio.subprocess.Process) -> bool:
    deadline = asyncio.get_running_loop().time() + READY_S
    while asyncio.get_running_loop().time() < deadline and process.returncode is None:
        try:
            if (await http.get(url)).is_success:
                return True
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    return False
