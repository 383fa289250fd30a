"""What every pod of a cluster must keep to, whoever wrote its manifest. Pure: objects as kustomize gives them.

The standard `restricted` of Kubernetes, and what this house asks beyond it: a root that is not written to, no token, a
version of each image, memory that is bounded and a CPU that is not throttled, probes, a budget, a network policy, and
nothing named that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Objects = Sequence[Mapping[str, Any]]

_VOLUMES = {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim", "downwardAPI"}
_HOST = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")
_UNITS = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}


def problems(objects: Objects) -> list[str]:
    """Each with the name of what has it; empty: none."""
    named = {(each["kind"], each["metadata"]["name"]) for each in objects}
    found = [f"{kind} {name}: twice" for kind, name in named if _count(objects, kind, name) > 1]
    for each in objects:
        if each["kind"] in ("Deployment", "StatefulSet"):
            its = [*_pod(each["spec"]["template"]["spec"]), *_around(each, objects), *_names(each, objects, named)]
            found += [f"{each['metadata']['name']}: {problem}" for problem in its]
    spaces = [each for each in objects if each["kind"] == "Namespace"]
    if any(its["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted" for its in spaces):
        found.append("Namespace: not restricted")
    return found


def _count(objects: Objects, kind: str, name: str) -> int:
    return sum(each["kind"] == kind and each["metadata"]["name"] == name for each in objects)


def _pod(pod: Mapping[str, Any]) -> Iterator[str]:
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    yield from (f"sets {key}" for key in _HOST if key in pod)
    if pod.get("automountServiceAccountToken") is not False:
        yield "is given a token of the cluster"
    if pod.get("enableServiceLinks") is not False:
        yield "is told of other services by variables"
    for volume in pod.get("volumes", ()):
        if not _VOLUMES & volume.keys():
            yield f"volume {volume['name']}: of a kind that is not restricted"
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {volume['name']}: has no limit"
        if "secret" in volume and volume["secret"].get("defaultMode") != 0o440:
            yield f"volume {volume['name']}: may be read by others"
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        yield from (f"{container['name']}: {problem}" for problem in _container(container))


def _container(container: Mapping[str, Any]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "may gain privileges"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if any("hostPort" in port for port in container.get("ports", ())):
        yield "takes a port of its node"
    yield from (
        f"has no {probe}" for probe in ("startupProbe", "readinessProbe", "livenessProbe") if not container.get(probe)
    )
    resources = container.get("resources", {})
    asked, most = resources.get("requests", {}), resources.get("limits", {})
    if not {"cpu", "memory"} <= asked.keys() or "memory" not in most:
        yield "does not say what it needs"
    elif "cpu" in most:
        yield "has its CPU throttled"
    elif not _mebibytes(asked["memory"]) <= _mebibytes(most["memory"]) <= 4 * _mebibytes(asked["memory"]):
        yield "may take a multiple of the memory it asks for, or less than that"


def _mebibytes(text: str) -> float:
    return float(text[:-2]) * _UNITS[text[-2:]]


def _around(workload: Mapping[str, Any], objects: Objects) -> Iterator[str]:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    if workload["spec"]["selector"]["matchLabels"] != labels:
        yield "does not select its own pods"
    policies = [each["spec"]["podSelector"] for each in _of(objects, "NetworkPolicy")]
    if not any(its and _selects(its, labels) for its in policies):
        yield "is in no network policy of its own"
    budgets = [each["spec"]["selector"] for each in _of(objects, "PodDisruptionBudget")]
    if workload["spec"].get("replicas", 2) > 1 and not any(_selects(its, labels) for its in budgets):
        yield "has no disruption budget"


def _of(objects: Objects, kind: str) -> Iterable[Mapping[str, Any]]:
    return (each for each in objects if each["kind"] == kind)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def _names(workload: Mapping[str, Any], objects: Objects, named: set[tuple[str, str]]) -> Iterator[str]:
    """What is named must be there; secrets may be made by certificates."""
    pod = workload["spec"]["template"]["spec"]
    made = {("Secret", each["spec"]["secretName"]) for each in _of(objects, "Certificate")}
    for kind, name in [("ServiceAccount", pod.get("serviceAccountName", "default")), *_references(pod)]:
        if (kind, name) not in named | made:
            yield f"there is no {kind} {name}"
    for container in pod["containers"]:
        if not _versioned(container["image"]):
            yield f"{container['image']} names no version"
        mounted = {mount["name"] for mount in container.get("volumeMounts", ())}
        claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())}
        there = {volume["name"] for volume in pod.get("volumes", ())} | claims
        yield from (f"there is no volume {name}" for name in sorted(mounted ^ there))


def _versioned(image: str) -> bool:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@sha256:" in image or tag not in ("", "latest")


def _references(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in pod.get("volumes", ()):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume and not volume["secret"].get("optional"):
            yield "Secret", volume["secret"]["secretName"]
    for container in pod["containers"]:
        for source in container.get("envFrom", ()):
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if key in source:
                    yield kind, source[key]["name"]
        for entry in container.get("env", ()):
            if key := entry.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", key["name"]
