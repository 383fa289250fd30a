"""An overlay as kustomize renders it, with secrets as the command makes them; nothing is written into k8s/."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from parley.errors import Misconfigured
from runner import cluster_secrets

K8S = Path(__file__).parents[2] / "k8s"

Objects = list[dict[str, Any]]


@contextmanager
def copied(overlay: str, components: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A copy of the overlay's folder. `components`: others in the place of its own; its patches are left out then."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "k8s")
        shutil.copytree(K8S, copy, ignore=shutil.ignore_patterns("secrets"))
        file = copy / "overlays" / overlay / "kustomization.yaml"
        text = file.read_text("utf-8")
        if "secrets/" in text:
            cluster_secrets.write(file.parent / "secrets", cluster_secrets.complete({}))
        for one, other in (components or {}).items():
            assert one in text
            text = text.replace(one, other)
        if components:
            text = text.partition("\npatches:")[0] + "\n"
        file.write_text(text, "utf-8")
        yield file.parent


def rendered(folder: Path, kubectl: str = "kubectl") -> Objects:
    """Raises Misconfigured: there is no kubectl, or kustomize refuses."""
    if shutil.which(kubectl) is None:
        raise Misconfigured(f"{kubectl} is not installed")
    done = subprocess.run((kubectl, "kustomize", str(folder)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Misconfigured(f"kustomize: {done.stderr.strip()}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]
