"""What is in an image, as a CycloneDX 1.5 document: Python packages, Debian packages of its base, model weights.

In every image: /opt/parley/sbom.cdx.json. The same for the same content: no serial number, the time of the commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]


def document(name: str, packages: Path, dpkg: Path, models: Iterable[str], epoch: int) -> dict[str, Any]:
    """`packages`: a site-packages folder. `dpkg`: the status file; a base without one has no such packages."""
    components = [*_python(packages), *_debian(dpkg), *(_model(model) for model in models)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "container", "name": name, "bom-ref": name},
        },
        "components": sorted(components, key=lambda component: str(component["bom-ref"])),
    }


def write(listed: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n")


def _python(packages: Path) -> Iterator[Component]:
    for found in distributions(path=[str(packages)]):
        name, version = found.metadata["Name"], found.version
        purl = f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}"
        yield {**_component(name, version, purl), "licenses": _licences(found)}


def _licences(found: Distribution) -> list[dict[str, Any]]:
    """As the package names them; none when it does not."""
    expression = found.metadata.get_all("License-Expression")
    if expression:
        return [{"expression": expression[0]}]
    classified = found.metadata.get_all("Classifier") or []
    named = [value.rpartition(" :: ")[2] for value in classified if "License ::" in value]
    if not named and (free := found.metadata.get_all("License")):
        named = [free[0].partition("\n")[0][:100]]
    return [{"license": {"name": value}} for value in named if value]


def _debian(status: Path) -> Iterator[Component]:
    if not status.exists():
        return
    for paragraph in status.read_text().split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            where = f"?arch={fields['Architecture']}"
            yield _component(name, version, f"pkg:deb/debian/{quote(name)}@{quote(version)}{where}")


def _model(name: str) -> Component:
    return {"type": "machine-learning-model", "name": name, "bom-ref": f"model:{name}"}


def _component(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
