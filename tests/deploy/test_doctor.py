"""`parley doctor --cluster`, with a kubectl that tells of a cluster as the manifests make it."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cli.cluster import kept_secrets
from cli.cluster.examine import KINDS, examine
from cli.cluster.kubectl import Kubectl
from cli.cluster.nats import examined
from cli.doctor.findings import Finding
from parley.errors import Unavailable
from runner.authority import Authority
from runner.cluster_secrets import complete
from runner.nats_users import STREAMS
from runner.plan import DEPLOYED
from tests.deploy.manifests import BASE, COMPONENTS, manifests, settings_env, workloads

KUBECTL = """#!/bin/sh
cd "$(dirname "$0")"
shift 2
case $1 in
    get) [ ! -e refused ] || { cat refused >&2; exit 1; }; exec cat "$2.json" ;;
    port-forward) [ -e "${2#pod/}.port" ] || { echo "error: pods not found" >&2; exit 1; }
        echo "Forwarding from 127.0.0.1:$(cat "${2#pod/}.port") -> 8222"; exec sleep 60 ;;
esac
"""
NODES = ("nats-0", "nats-1", "nats-2")


def running(replicas: int = 2) -> list[dict[str, Any]]:
    """What a cluster says of the base, when all is well."""
    objects = copy.deepcopy([each for each in manifests(BASE, COMPONENTS / "ingress") if each["kind"] != "Namespace"])
    settings = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": settings_env()}
    for each in objects:
        if each["kind"] in ("Deployment", "StatefulSet"):
            count = each["spec"]["replicas"]
            each["metadata"]["generation"] = 1
            each["status"] = {"readyReplicas": count, "updatedReplicas": count, "observedGeneration": 1}
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["image"] += ":0.1.0"
    return [*objects, *(pod(pod_of.name, n) for pod_of in workloads(BASE) for n in range(replicas)), settings]


def pod(name: str, n: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": name}
    return {"kind": "Pod", "metadata": {"name": f"{name}-{n}", "labels": labels}, "status": {}}


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def secrets(folder: Path) -> list[dict[str, Any]]:
    values = {f"{name}-secrets": ("Opaque", its) for name, its in complete({}).items()}
    values["tools-secrets"][1]["PARLEY_DATABASE_URL"] = "postgresql://somewhere"
    issued = Authority(folder / "tls").issue("stt")
    values["stt-tls"] = ("kubernetes.io/tls", {"tls.crt": issued.cert.read_text()})
    return [
        {
            "kind": "Secret",
            "type": kind,
            "metadata": {"name": name},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in its.items()},
        }
        for name, (kind, its) in values.items()
    ]


def jsz(node: str) -> dict[str, Any]:
    others = [other for other in NODES if other != node == "nats-1"]
    streams = [
        {
            "name": name,
            "cluster": {"leader": "nats-1", "replicas": [{"name": other, "current": True} for other in others]},
            "config": {"num_replicas": 3},
        }
        for name in STREAMS
    ]
    cluster = {"name": "parley", "leader": "nats-2", "cluster_size": 3}
    return {"meta_cluster": cluster, "account_details": [{"stream_detail": streams}]}


@asynccontextmanager
async def monitor(answer: dict[str, Any]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = running()
        self.secrets = secrets(folder)
        self.nodes = {node: jsz(node) for node in NODES}
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o700)

    async def examined(self) -> list[Finding]:
        async with AsyncExitStack() as stack:
            for node, answer in self.nodes.items():
                port = await stack.enter_async_context(monitor(answer))
                (self.folder / f"{node}.port").write_text(str(port))
            for kinds, items in ((KINDS, self.objects), ("secrets", self.secrets)):
                (self.folder / f"{kinds}.json").write_text(json.dumps({"items": items}))
            return await examine(Kubectl("parley", program=str(self.folder / "kubectl")), call=False)

    async def missing(self) -> list[str]:
        return [f"{each.what}: {each.detail}" for each in await self.examined() if each.state == "missing"]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    found = Cluster(tmp_path)
    found.objects.append(pod("nats", 2))
    return found


async def test_a_cluster_as_the_manifests_make_it_lacks_nothing(cluster: Cluster) -> None:
    found = {each.what: each for each in await cluster.examined()}
    assert [each for each in found.values() if each.state != "ok"] == []
    assert {*DEPLOYED, "nats", "streams", "secrets", "certificates", "version", "policies", "door"} <= found.keys()
    assert found["stt"].detail == "2 of 2 ready, 0.1.0"
    assert found["door"].detail == "an Ingress for voice.example.com"
    assert "kept 3 times" in found["streams"].detail


async def test_what_does_not_run_is_told_with_what_its_pods_say(cluster: Cluster) -> None:
    named(cluster.objects, "Deployment", "llm")["status"]["readyReplicas"] = 1
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}
    named(cluster.objects, "Pod", "llm-1")["status"] = {"containerStatuses": [{"state": waiting, "ready": False}]}
    cluster.objects.remove(named(cluster.objects, "Deployment", "rag"))
    assert await cluster.missing() == [
        "llm: 1 of 2 ready, 0.1.0: ImagePullBackOff: no such tag",
        "rag: is not deployed here",
    ]


async def test_two_versions_and_lacking_guards_are_told(cluster: Cluster) -> None:
    (container,) = named(cluster.objects, "Deployment", "tts")["spec"]["template"]["spec"]["containers"]
    container["image"] = "parley-tts:0.2.0"
    for kind, name in (("NetworkPolicy", "default-deny"), ("PodDisruptionBudget", "nats")):
        cluster.objects.remove(named(cluster.objects, kind, name))
    version, budgets, policies = await cluster.missing()
    assert "tts 0.2.0" in version
    assert budgets.startswith("budgets: nats:")
    assert "default-deny is not there" in policies


async def test_secrets_that_are_not_there_or_empty_are_told_and_values_never(cluster: Cluster) -> None:
    named(cluster.secrets, "Secret", "tools-secrets")["data"]["PARLEY_DATABASE_URL"] = ""
    del named(cluster.secrets, "Secret", "llm-secrets")["data"]["OPENAI_API_KEY"]
    cluster.secrets.remove(named(cluster.secrets, "Secret", "rag-secrets"))
    assert sorted(await cluster.missing()) == [
        "secrets: llm: llm-secrets has no OPENAI_API_KEY",
        "secrets: rag: there is no secret rag-secrets",
        "secrets: tools: PARLEY_DATABASE_URL is empty in tools-secrets",
    ]
    told = str(await cluster.examined())
    for name, its in complete({}).items():
        for key in its:
            secret = next((each for each in cluster.secrets if each["metadata"]["name"] == f"{name}-secrets"), {})
            kept = kept_secrets.value(secret, key)
            assert not kept or kept not in told


async def test_a_certificate_that_ends_is_told(cluster: Cluster) -> None:
    cert = x509.load_pem_x509_certificate(
        kept_secrets.value(named(cluster.secrets, "Secret", "stt-tls"), "tls.crt").encode()
    )
    begins, ends = cert.not_valid_before_utc, cert.not_valid_after_utc
    for at, state in ((begins, "ok"), (begins + (ends - begins) * 0.8, "note"), (ends, "missing")):
        (found,) = kept_secrets.certificates(cluster.secrets, at)
        assert found.state == state
        assert "stt-tls" in found.detail


async def test_no_kubectl_no_cluster_and_an_empty_one_are_one_line_each(cluster: Cluster) -> None:
    assert (await examine(Kubectl("parley", program="no-such-kubectl"), call=True))[0].detail.startswith(
        "kubectl is not"
    )
    (cluster.folder / "refused").write_text("some notes\nerror: You must be logged in to the server\n")
    why = "error: You must be logged in to the server (another cluster: --context, `kubectl config get-contexts`)"
    assert await cluster.missing() == [f"cluster: kubectl get {KINDS}: {why}"]
    (cluster.folder / "refused").unlink()
    cluster.objects = []
    (line,) = await cluster.missing()
    assert "kubectl apply -k" in line


async def test_a_port_that_cannot_be_forwarded_is_told(cluster: Cluster) -> None:
    kubectl = Kubectl("parley", program=str(cluster.folder / "kubectl"))
    with pytest.raises(Unavailable, match="port-forward pod/none: error: pods not found"):
        async with kubectl.forwarded("pod/none", 8222):
            pass


def test_nodes_without_a_leader_and_streams_that_lag_are_told() -> None:
    def told(answers: dict[str, Any], copies: int = 3) -> list[str]:
        return [each.detail for each in examined(answers, copies) if each.state == "missing"]

    good = {node: jsz(node) for node in NODES}
    assert told(good) == []
    assert told({**good, "nats-1": None}) == ["nats-1: no answer at its monitor"]
    apart = copy.deepcopy(good)
    apart["nats-0"]["meta_cluster"]["leader"] = ""
    assert "no leader in common" in told(apart)[0]
    behind = copy.deepcopy(good)
    stream = behind["nats-1"]["account_details"][0]["stream_detail"][1]
    stream["cluster"]["replicas"][1]["current"] = False
    assert told(behind) == [f"{STREAMS[1]} is behind at nats-2"]
    stream["config"]["num_replicas"] = 1
    assert told(behind) == [f"{STREAMS[1]} is kept 1 times, not 3"]
    leaderless = copy.deepcopy(good)
    for answer in leaderless.values():
        answer["account_details"][0]["stream_detail"][0]["cluster"]["leader"] = ""
    assert told(leaderless) == [f"{STREAMS[0]} has no leader"]
    bare = copy.deepcopy(good)
    for answer in bare.values():
        answer["account_details"] = []
    assert "not made yet" in told(bare)[0]
    assert told({"nats-0": {"account_details": jsz("nats-0")["account_details"]}}, 3) == []
