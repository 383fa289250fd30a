"""The nats-servers of a run and their configuration files: one, or three (or five) that stand in for each other.

    nodes = nats_nodes(3, iter(free_ports(6)), data_dir, passwords(SERVICES))
    for node in nodes:                     # write the file, then start it
        write(node.file, node.config)      # nats-server -c <file>
    PARLEY_NATS_URL = nats_url(nodes)      # every node's address, comma-separated
    PARLEY_NATS_REPLICAS = copies(3)       # state and events are kept min(3, nodes) times

With `tls` they speak TLS only, to clients and to each other, and everybody shows a certificate of the same authority.
A cluster of three goes on with two. It elects a leader for each stream at its start and when one is lost: up to 7 s
in which nothing is stored and nobody is told; what is published is not delayed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from parley.errors import Misconfigured
from runner.nats_users import users_config

_CLUSTER = "parley"


@dataclass(frozen=True)
class NatsNode:
    """One nats-server. `file`: the name of its configuration file, whose text is `config`; it holds passwords."""

    name: str  # nats; of several: nats-1, nats-2, ...; also its server_name, as in a stream's `cluster.leader`
    port: int
    file: str
    config: str
    tls: bool = False

    @property
    def url(self) -> str:
        return f"{'tls' if self.tls else 'nats'}://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class NatsTls:
    """Files of the servers' certificate, for 127.0.0.1 as well, and of the authority that clients are to be from."""

    ca: Path
    cert: Path
    key: Path


def nats_nodes(
    count: int,
    ports: Iterator[int],
    data_dir: Path,
    users: Mapping[str, str],
    tls: NatsTls | None = None,
    file_gb: int = 8,
) -> tuple[NatsNode, ...]:
    """`count` nodes that know each other; `ports` gives two free ones for each (one is enough for a single node).

    `users`: name -> password; empty: no authorization. Each node keeps its streams, `file_gb` at most, in its own
    folder of `data_dir`. Raises Misconfigured: a count without a majority when one is lost.
    """
    if count not in (1, 3, 5):
        raise Misconfigured(f"PARLEY_NATS_NODES: {count}; 1, 3 or 5, so that a majority is left when one is lost")
    if count == 1:
        port = next(ports)
        config = _config("nats", port, data_dir, users, [], tls, file_gb)
        return (NatsNode("nats", port, "nats.conf", config, tls is not None),)
    names = [f"nats-{n}" for n in range(1, count + 1)]
    client_ports, route_ports = [next(ports) for _ in names], [next(ports) for _ in names]
    password = secrets.token_urlsafe(24)
    return tuple(
        NatsNode(
            name,
            port,
            f"{name}.conf",
            _config(name, port, data_dir, users, _routes(route, route_ports, password, tls), tls, file_gb),
            tls is not None,
        )
        for name, port, route in zip(names, client_ports, route_ports, strict=True)
    )


def nats_url(nodes: tuple[NatsNode, ...]) -> str:
    """All addresses, as in PARLEY_NATS_URL."""
    return ",".join(node.url for node in nodes)


def copies(nodes: int) -> int:
    """How often state and events are kept, as in PARLEY_NATS_REPLICAS."""
    return min(3, nodes)


def server_config(
    name: str,
    listen: str,
    store: Path,
    users: Mapping[str, str],
    *,
    more: Iterable[str] = (),
    why: str,
    file_gb: int = 8,
) -> str:
    """The configuration file of one nats-server. `why`: the comment at its head. `more`: lines of their own.

    `file_gb`: what its streams may take on its disk.
    """
    lines = [
        f"# {why}",
        f"listen: {listen}",
        f"server_name: {name}",
        "max_payload: 1MB",
        "write_deadline: 2s",
        f"jetstream {{ store_dir: {json.dumps(str(store))}, max_memory_store: 256MB, max_file_store: {file_gb}GB }}",
        *more,
        *(users_config(users) if users else []),
    ]
    return "\n".join(lines) + "\n"


def _config(
    name: str,
    port: int,
    data_dir: Path,
    users: Mapping[str, str],
    routes: list[str],
    tls: NatsTls | None,
    file_gb: int,
) -> str:
    why, more = "Written by `parley run` for this one run.", [*_tls(tls), *routes]
    return server_config(name, f"127.0.0.1:{port}", data_dir / name, users, more=more, why=why, file_gb=file_gb)


def _tls(tls: NatsTls | None) -> list[str]:
    if tls is None:
        return []
    ca, cert, key = (json.dumps(str(path)) for path in (tls.ca, tls.cert, tls.key))
    return [f"tls {{ ca_file: {ca}, cert_file: {cert}, key_file: {key}, verify: true, timeout: 5 }}"]


def _routes(port: int, ports: list[int], password: str, tls: NatsTls | None) -> list[str]:
    routes = [f"nats-route://route:{password}@127.0.0.1:{other}" for other in ports if other != port]
    return [
        "cluster {",
        f"  name: {_CLUSTER}",
        f"  listen: 127.0.0.1:{port}",
        f"  authorization {{ user: route, password: {json.dumps(password)}, timeout: 2 }}",
        f"  routes: {json.dumps(routes)}",
        *(f"  {line}" for line in _tls(tls)),
        "}",
    ]
