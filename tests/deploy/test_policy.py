"""What every pod must keep to, and that a manifest which does not is told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cli.cluster.policy import problems
from tests.deploy.manifests import BASE, OVERLAYS, kustomization, manifests

Change = Callable[[dict[str, Any]], object]


def rendered() -> list[dict[str, Any]]:
    """The base and the stores of dev, with what kustomize would add: versions, generated maps and secrets."""
    objects = copy.deepcopy(manifests(BASE, OVERLAYS / "dev"))
    for each in objects:
        if each["kind"] in ("Deployment", "StatefulSet"):
            each["spec"]["template"]["spec"]["containers"][0]["image"] += ":0.1.0"
    for kind, folder, key in (
        ("ConfigMap", BASE, "configMapGenerator"),
        ("Secret", OVERLAYS / "dev", "secretGenerator"),
    ):
        objects += [{"kind": kind, "metadata": {"name": each["name"]}} for each in kustomization(folder)[key]]
    return objects


def container(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod["containers"][0]
    return found


def test_the_manifests_have_no_problem() -> None:
    assert problems(rendered()) == []


CHANGES: dict[str, Change] = {
    "may run as root": lambda pod: pod["securityContext"].pop("runAsUser"),
    "has no seccomp profile": lambda pod: pod["securityContext"].pop("seccompProfile"),
    "sets hostNetwork": lambda pod: pod.update(hostNetwork=True),
    "is given a token of the cluster": lambda pod: pod.pop("automountServiceAccountToken"),
    "is told of other services by variables": lambda pod: pod.pop("enableServiceLinks"),
    "volume tmp: has no limit": lambda pod: pod["volumes"][1]["emptyDir"].pop("sizeLimit"),
    "volume secrets: may be read by others": lambda pod: pod["volumes"][0]["secret"].pop("defaultMode"),
    "there is no Secret nobodys": lambda pod: pod["volumes"][0]["secret"].update(secretName="nobodys"),
    "there is no ServiceAccount nobody": lambda pod: pod.update(serviceAccountName="nobody"),
    "there is no volume data": lambda pod: container(pod)["volumeMounts"].pop(),
    "parley-llm:latest names no version": lambda pod: container(pod).update(image="parley-llm:latest"),
    "host:5000/parley-llm names no version": lambda pod: container(pod).update(image="host:5000/parley-llm"),
    "llm: may gain privileges": lambda pod: container(pod)["securityContext"].pop("allowPrivilegeEscalation"),
    "llm: may write to its root": lambda pod: container(pod)["securityContext"].pop("readOnlyRootFilesystem"),
    "llm: keeps capabilities": lambda pod: container(pod)["securityContext"].update(capabilities={"add": ["ALL"]}),
    "llm: takes a port of its node": lambda pod: container(pod)["ports"][0].update(hostPort=1),
    "llm: has no livenessProbe": lambda pod: container(pod).pop("livenessProbe"),
    "llm: does not say what it needs": lambda pod: container(pod)["resources"].pop("limits"),
    "llm: has its CPU throttled": lambda pod: container(pod)["resources"]["limits"].update(cpu="1"),
    "llm: may take a multiple of the memory it asks for, or less than that": lambda pod: container(pod)["resources"][
        "limits"
    ].update(memory="8Gi"),
}


@pytest.mark.parametrize("problem", CHANGES)
def test_a_pod_that_does_not_keep_to_it_is_told(problem: str) -> None:
    objects = rendered()
    (llm,) = [each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "llm"]
    CHANGES[problem](llm["spec"]["template"]["spec"])
    assert problems(objects) == [f"llm: {problem}"]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("NetworkPolicy", "is in no network policy of its own"),
        ("PodDisruptionBudget", "has no disruption budget"),
    ],
)
def test_what_stands_around_a_pod_is_missed(kind: str, problem: str) -> None:
    kept = [
        each
        for each in rendered()
        if (each["kind"], each["metadata"]["name"]) not in {(kind, "llm"), (kind, "everybody")}
    ]
    assert problems(kept) == [f"llm: {problem}"]


def test_a_namespace_that_is_open_and_a_thing_that_is_there_twice_are_told() -> None:
    objects = rendered()
    (namespace,) = [each for each in objects if each["kind"] == "Namespace"]
    namespace["metadata"]["labels"] = {}
    assert problems([*objects, objects[-1]]) == [
        f"{objects[-1]['kind']} {objects[-1]['metadata']['name']}: twice",
        "Namespace: not restricted",
    ]
