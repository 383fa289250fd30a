"""`parley doctor --cluster`: does everything run, in one version, with what it needs; and does a call go through?"""

from __future__ import annotations

import tempfile
from pathlib import Path

from cli.calling.call import place
from cli.calling.conversation import Line, Script
from cli.cluster import kept_secrets, nats, workloads
from cli.cluster.kubectl import Kubectl
from cli.cluster.workloads import Objects, of_kind
from cli.doctor.findings import Finding
from parley.errors import Misconfigured, ParleyError, Unavailable
from parley.settings import Settings
from testbed.telephone.phone import CALLED
from testbed.telephone.voice import speak

KINDS = "deployments,statefulsets,pods,configmaps,networkpolicies,poddisruptionbudgets,ingresses"
GATEWAY_PORT = 8080
SAID = "What can you do for me?"


async def examine(kubectl: Kubectl, call: bool) -> list[Finding]:
    """All findings, in the order in which they are told. Never raises for what it finds."""
    try:
        objects = await kubectl.get(KINDS)
    except (Misconfigured, Unavailable) as e:
        return [Finding("missing", "cluster", str(e))]
    if not of_kind(objects, "Deployment"):
        detail = f"nothing is deployed in the namespace {kubectl.namespace}: kubectl apply -k k8s/overlays/dev"
        return [Finding("missing", "cluster", detail)]
    findings = [
        Finding("ok", "cluster", f"namespace {kubectl.namespace} of {kubectl.context or 'the current context'}")
    ]
    findings += [*workloads.services(objects), workloads.same_version(objects)]
    findings += [*workloads.stores(objects), *await _nats(kubectl, objects)]
    secrets: Objects = []
    try:
        secrets = await kubectl.get("secrets")
        findings += [*kept_secrets.there(objects, secrets), *kept_secrets.certificates(secrets)]
    except Unavailable as e:
        findings.append(Finding("note", "secrets", f"not looked at: {e}"))
    findings += workloads.guarded(objects)
    if call:
        findings.append(await _call(kubectl, objects, secrets))
    return findings


def setting(objects: Objects, name: str) -> str:
    """What the ConfigMap of settings says that the deployments use; generators add a digest to its name."""
    used = {
        source["configMapRef"]["name"]
        for each in of_kind(objects, "Deployment").values()
        for container in each["spec"]["template"]["spec"]["containers"]
        for source in container.get("envFrom", ())
        if "configMapRef" in source
    }
    maps = [each for key, each in of_kind(objects, "ConfigMap").items() if key in used]
    return next((str(each["data"][name]) for each in maps if name in each.get("data", {})), "")


async def _nats(kubectl: Kubectl, objects: Objects) -> list[Finding]:
    nodes = sorted(
        name
        for name, pod in of_kind(objects, "Pod").items()
        if pod["metadata"].get("labels", {}).get(workloads.NAME) == "nats"
    )
    if not nodes:
        return []  # said already
    return nats.examined(await nats.asked(kubectl, nodes), int(setting(objects, "PARLEY_NATS_REPLICAS") or 1))


async def _call(kubectl: Kubectl, objects: Objects, secrets: Objects) -> Finding:
    """A call as the carrier would bring it, to one gateway; signed when the cluster wants signatures."""
    kept = of_kind(secrets, "Secret").get(kept_secrets.mounted(objects, "gateway"), {})
    try:
        sound = (await speak([SAID], ""))[0]
        async with kubectl.forwarded("deployment/gateway", GATEWAY_PORT) as port:
            settings = Settings.read(
                gateway_port=port,
                twilio_auth_token=kept_secrets.value(kept, "TWILIO_AUTH_TOKEN"),
                public_url=setting(objects, "PARLEY_PUBLIC_URL"),
            )
            with tempfile.TemporaryDirectory() as folder:
                heard = Path(folder) / "heard.wav"
                answered = await place(settings, "", "", CALLED, Script([Line(SAID, sound)]), heard)
    except ParleyError as e:
        return Finding("missing", "call", str(e))
    if answered:
        return Finding("ok", "call", "taken, greeted and answered")
    return Finding("missing", "call", "not answered; what was heard and said stands above")
