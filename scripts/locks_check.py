"""Fails when pyproject.toml asks for what the locks do not hold, or when the locks disagree. Needs no network."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def locked(path: Path) -> dict[str, str]:
    """Package -> version."""
    return {canonicalize_name(name): version for name, version in _PINNED.findall(path.read_text())}


def problems(root: Path) -> list[str]:
    """One line each; empty when all is well."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    extras = {name: [text for text in wanted if not _is_own(text, project)] for name, wanted in extras.items()}
    whole = locked(root / "requirements.lock")
    found = _unmet("requirements.lock", whole, project["dependencies"] + sum(extras.values(), []))
    services = {path.parent.name for path in root.glob("services/*/__init__.py")}
    for service in sorted(services | {name for name in ("cli", "embedding-build") if name in extras}):
        path = root / f"requirements-{service}.lock"
        if not path.exists():
            found.append(f"{path.name}: missing")
            continue
        mine = locked(path)
        wanted = extras.get(service, []) + extras.get(f"local-{service}", [])
        found += _unmet(path.name, mine, project["dependencies"] + wanted)
        differing = [f"{name}=={version}" for name, version in mine.items() if whole.get(name) != version]
        found += [f"{path.name}: {pin}, not as in requirements.lock" for pin in differing]
    return found


def _is_own(text: str, project: dict[str, object]) -> bool:
    """An extra that is made of other extras: `parley[local-stt]`."""
    return Requirement(text).name == project.get("name")


def _unmet(lock: str, have: dict[str, str], wanted: list[str]) -> list[str]:
    lines = []
    for text in wanted:
        requirement = Requirement(text)
        version = have.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(Version(version), prereleases=True):
            lines.append(f"{lock}: {text} is asked for, {version or 'nothing'} is locked")
    return lines


if __name__ == "__main__":
    lines = problems(Path(__file__).resolve().parent.parent)
    sys.exit("\n".join([*lines, "make locks, and commit them"]) if lines else 0)
