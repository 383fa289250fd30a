"""Whether what should run in a cluster runs, everywhere in the same version. Pure: objects as kubectl gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.doctor.findings import Finding
from runner.plan import DEPLOYED

Objects = Sequence[Mapping[str, Any]]

NAME = "app.kubernetes.io/name"


def of_kind(objects: Objects, kind: str) -> dict[str, Mapping[str, Any]]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def services(objects: Objects) -> list[Finding]:
    """A finding for each service."""
    deployed = of_kind(objects, "Deployment")
    pods = list(of_kind(objects, "Pod").values())
    return [_replicas(name, deployed.get(name), _of(pods, name)) for name in DEPLOYED]


def stores(objects: Objects) -> list[Finding]:
    """A finding for each StatefulSet; NATS must be there."""
    sets = of_kind(objects, "StatefulSet")
    pods = list(of_kind(objects, "Pod").values())
    return [_replicas(name, sets.get(name), _of(pods, name)) for name in dict.fromkeys(("nats", *sets))]


def _of(pods: Objects, name: str) -> list[Mapping[str, Any]]:
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get(NAME) == name]


def _replicas(name: str, workload: Mapping[str, Any] | None, pods: Objects) -> Finding:
    if workload is None:
        return Finding("missing", name, "is not deployed here")
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    line = f"{ready} of {wanted} ready, {', '.join(sorted(versions([workload])))}"
    if ready < wanted:
        return Finding("missing", name, f"{line}{_why(pods)}")
    leaving = sum("deletionTimestamp" in pod["metadata"] for pod in pods)
    if updated < wanted or status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return Finding("note", name, f"{line}; a roll-out is under way, {updated} are new")
    return Finding("ok", name, line + (f"; {leaving} more drain" if leaving else "") + _restarts(pods))


def _why(pods: Objects) -> str:
    """What the pods that are not ready wait for."""
    reasons = []
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                reasons.append(condition.get("message", condition.get("reason", "")))
        for container in pod.get("status", {}).get("containerStatuses", ()):
            state = container.get("state", {})
            if (waiting := state.get("waiting")) and waiting.get("reason") != "ContainerCreating":
                reasons.append(": ".join(filter(None, (waiting.get("reason"), waiting.get("message")))))
            if (last := container.get("lastState", {}).get("terminated")) and not container.get("ready"):
                reasons.append(f"it ended with status {last.get('exitCode')} ({last.get('reason')})")
    return f": {'; '.join(dict.fromkeys(reasons))[:300]}" if reasons else "; its pods say no reason yet"


def _restarts(pods: Objects) -> str:
    counts = [status.get("restartCount", 0) for pod in pods for status in pod["status"].get("containerStatuses", ())]
    return f"; {sum(counts)} restarts" if sum(counts) else ""


def versions(workloads: Iterable[Mapping[str, Any]]) -> set[str]:
    """The tags, or digests, of the images."""
    images = [container["image"] for each in workloads for container in each["spec"]["template"]["spec"]["containers"]]
    return {image.rpartition("@")[2] if "@" in image else image.rpartition(":")[2] for image in images}


def same_version(objects: Objects) -> Finding:
    deployed = {name: each for name, each in of_kind(objects, "Deployment").items() if name in DEPLOYED}
    found = {name: ", ".join(versions([each])) for name, each in deployed.items()}
    if len(set(found.values())) <= 1:
        return Finding("ok", "version", f"{', '.join(set(found.values())) or 'none'} of all services")
    return Finding("missing", "version", "not the same: " + ", ".join(f"{name} {v}" for name, v in found.items()))


def guarded(objects: Objects) -> list[Finding]:
    """Network policies, disruption budgets, and the door."""
    policies, budgets = of_kind(objects, "NetworkPolicy"), of_kind(objects, "PodDisruptionBudget")
    found = []
    for what, has, harm in (
        ("policies", policies, "may be spoken to by everybody"),
        ("budgets", budgets, "may lose all replicas at once when nodes are emptied"),
    ):
        lacking = [name for name in (*DEPLOYED, "nats") if name not in has]
        if lacking:
            found.append(Finding("missing", what, f"{', '.join(lacking)}: {harm}"))
        else:
            found.append(Finding("ok", what, f"{len(has)}, one for each service"))
    if "default-deny" not in policies:
        found.append(Finding("missing", "policies", "default-deny is not there: what no policy names is open"))
    hosts = [rule.get("host", "*") for each in of_kind(objects, "Ingress").values() for rule in each["spec"]["rules"]]
    if hosts:
        found.append(Finding("ok", "door", f"an Ingress for {', '.join(hosts)}"))
    else:
        found.append(Finding("note", "door", "no Ingress here; without another door nobody calls from outside"))
    return found
