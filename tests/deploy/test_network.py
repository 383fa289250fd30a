"""Who may speak to whom in the cluster: the arrows of the code's own clients, and no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

from parley.engines import engines_of
from parley.rpc.tls import CALLERS
from parley.settings import Stage
from runner.plan import BACKOFFICE, DEPLOYED
from tests.deploy.manifests import BASE, NAME, OVERLAYS, documents, manifests, one, workloads

SERVICES_DIR = Path(__file__).parents[2] / "services"
OUT = "outside"
# What a service reads of the settings when it is somebody's client.
CLIENT_OF = {
    **{f"{name}_address": name for name in DEPLOYED},
    "database_url": "postgres",
    "backoffice_database_url": "postgres",
    "qdrant_url": "qdrant",
}
# Libraries that speak to whoever is named to them.
TO_OTHERS = ("httpx", "httpx2", "aiohttp", "requests", "websockets.asyncio.client", "twilio.rest", "twilio.http")
PORTS = {**dict.fromkeys(DEPLOYED, 50051), "backoffice": 8090, "nats": 4222, "postgres": 5432, "qdrant": 6333, OUT: 443}


@cache
def clients(service: str) -> frozenset[str]:
    """Whom the code of a service is a client of, by its settings and its libraries; of vendors, by its engines."""
    vendors = service in get_args(Stage) and any(row.vendor for row in engines_of(service).values())
    return frozenset(_clients(service)) | ({OUT} if vendors else set())


def _clients(service: str) -> Iterator[str]:
    for path in (SERVICES_DIR / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in CLIENT_OF:
                yield CLIENT_OF[node.attr]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Bus":
                yield "nats"
            elif isinstance(node, ast.Import | ast.ImportFrom) and any(_speaks(name) for name in _imported(node)):
                yield OUT


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def _speaks(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in TO_OTHERS)


def policy(name: str) -> dict[str, Any]:
    folders = (BASE, OVERLAYS / "dev")
    spec: dict[str, Any] = one("NetworkPolicy", name, *folders)["spec"]
    return spec


def ends(rules: list[dict[str, Any]], side: str) -> set[tuple[str, int]]:
    """The other ends of a policy's rules, each with the port."""
    found = set()
    for rule in rules:
        assert rule[side], "a rule without an end is for everybody"
        for end in rule[side]:
            for port in rule["ports"]:
                found.add((_named(end), port["port"]))
    return found


def _named(end: dict[str, Any]) -> str:
    if "ipBlock" in end:
        return OUT
    if "namespaceSelector" in end:
        ((label, value),) = end["namespaceSelector"]["matchLabels"].items()
        return str(value) if label == "kubernetes.io/metadata.name" else str(label)
    assert end["podSelector"]["matchLabels"]["app.kubernetes.io/part-of"] == "parley"
    return str(end["podSelector"]["matchLabels"][NAME])


def test_everything_is_shut_and_opened_by_one_policy_for_each() -> None:
    shut = policy("default-deny")
    assert shut == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    names = {each["metadata"]["name"] for each in manifests(BASE, OVERLAYS / "dev") if each["kind"] == "NetworkPolicy"}
    assert names == {"default-deny", "everybody", *(pod.name for pod in workloads())}
    for pod in workloads():
        assert policy(pod.name)["podSelector"]["matchLabels"][NAME] == pod.name
        assert policy(pod.name)["policyTypes"] == ["Ingress", "Egress"]


def test_a_service_may_speak_to_whom_its_code_speaks_to_and_to_nobody_else() -> None:
    for name in DEPLOYED:
        wanted = {(other, PORTS[other]) for other in clients(name)}
        allowed = ends(policy(name)["egress"], "to")
        stores = {("parley.dev/stores", PORTS[store]) for store, _ in wanted if store in ("postgres", "qdrant")}
        assert allowed == wanted | stores, name


def test_a_service_is_spoken_to_by_those_whose_code_does_and_by_nobody_else() -> None:
    called = {name: {other for other in DEPLOYED if name in clients(other)} for name in (*DEPLOYED, "nats")}
    called |= {"postgres": {"tools"}, "qdrant": {"rag"}}
    for name, callers in called.items():
        allowed = ends(policy(name)["ingress"], "from")
        if name in ("gateway", BACKOFFICE):
            assert allowed == {("parley.dev/door", {"gateway": 8080, BACKOFFICE: 8090}[name])}
            assert not callers
            continue
        among = {("nats", 6222)} if name == "nats" else set()
        assert allowed == {(caller, PORTS[name]) for caller in callers} | among, name


def test_the_table_of_tls_has_the_same_callers() -> None:
    for name, callers in CALLERS.items():
        inside = set(callers) & set(DEPLOYED)
        assert inside == {other for other in DEPLOYED if name in clients(other)}, name


def test_everybody_has_names_metrics_and_traces_and_nothing_else() -> None:
    spec = policy("everybody")
    assert ends(spec["ingress"], "from") == {("parley.dev/watches", 9090)}
    assert ends(spec["egress"], "to") == {("kube-system", 53), ("parley.dev/watches", 4317)}
    (names,) = [rule for rule in spec["egress"] if rule["ports"][0]["port"] == 53]
    assert {port["protocol"] for port in names["ports"]} == {"UDP", "TCP"}


def test_outside_is_not_the_cluster_nor_the_clouds_own_servers() -> None:
    for found in documents(BASE / "network.yaml"):
        for rule in found["spec"].get("egress", ()):
            blocks = [end["ipBlock"] for end in rule["to"] if "ipBlock" in end]
            if blocks:
                shut = {address for block in blocks for address in block["except"]}
                assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"} <= shut


def test_nats_nodes_speak_to_each_other_only() -> None:
    assert ends(policy("nats")["egress"], "to") == {("nats", 6222)}
