"""The files of k8s/, as they stand there: no tool is needed to read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.plan import DEPLOYED

K8S = Path(__file__).parents[2] / "k8s"
BASE, OVERLAYS, COMPONENTS = K8S / "base", K8S / "overlays", K8S / "components"
WORKLOADS = ("Deployment", "StatefulSet")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NAME = "app.kubernetes.io/name"

Manifest = dict[str, Any]


@cache
def documents(path: Path) -> list[Manifest]:
    return [found for found in yaml.load_all(path.read_text("utf-8"), LOADER) if found]


def manifests(*folders: Path) -> list[Manifest]:
    """All objects in the YAML files of these folders, kustomize's own files aside."""
    paths = [path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [found for path in paths for found in documents(path)]


def kustomization(folder: Path) -> Manifest:
    (found,) = documents(folder / "kustomization.yaml")
    return found


def one(kind: str, name: str, *folders: Path) -> Manifest:
    (found,) = [
        each for each in manifests(*(folders or (BASE,))) if each["kind"] == kind and each["metadata"]["name"] == name
    ]
    return found


def literals(folder: Path, kind: str, name: str) -> dict[str, str]:
    """What a generator of a kustomization says in place."""
    found: dict[str, str] = {}
    for generator in kustomization(folder).get(kind, ()):
        if generator["name"] == name:
            pairs = (entry.partition("=") for entry in generator.get("literals", ()))
            found |= {key: value for key, _, value in pairs}
    return found


def settings_env() -> dict[str, str]:
    lines = (BASE / "settings.env").read_text("utf-8").splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines if line)}


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet with one container."""

    name: str
    manifest: Manifest

    @property
    def pod(self) -> Manifest:
        return dict(self.manifest["spec"]["template"]["spec"])

    @property
    def container(self) -> Manifest:
        (found,) = self.pod["containers"]
        return dict(found)

    def env(self) -> dict[str, str]:
        """What stands in the container itself, values only."""
        return {entry["name"]: entry["value"] for entry in self.container.get("env", ()) if "value" in entry}


def workloads(*folders: Path) -> Iterator[Workload]:
    for each in manifests(*(folders or (BASE, OVERLAYS / "dev"))):
        if each["kind"] in WORKLOADS:
            yield Workload(each["metadata"]["name"], each)


def service(name: str) -> Workload:
    assert name in DEPLOYED
    return Workload(name, one("Deployment", name))
