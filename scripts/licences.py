"""Fails when a lock holds a package whose licence an image may not carry. Needs no network: reads what is installed.

A package that names no licence itself stands in `NAMED`, one that may be in one lock only in `APART`.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# May be given on in any image, with their texts. LGPL: as a library that is loaded, and can be exchanged.
_FREE = re.compile(
    r"\b(MIT(-0)?|Apache|0?BSD(-\w+)*|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|CC0|Unlicense|LGPL|Lesser)\b",
    re.IGNORECASE,
)
_GPL = re.compile(r"\b(A?GPL|(?<!Lesser )General Public)", re.IGNORECASE)
# What their own metadata do not say: read in the files that lie beside them, or in their repository.
NAMED = {
    "aiofastnet": "MIT",
    "axe-playwright-python": "MIT AND MPL-2.0",
    "espeakng-loader": "GPL-3.0",
    "picows": "MIT",
}
# Only in the environment of a working folder, never in a service's lock: THIRD_PARTY.md says how it is kept apart.
APART = {"requirements.lock": {"espeakng-loader"}}


def licence(metadata: importlib.metadata.PackageMetadata) -> str:
    """As the package names it: an SPDX expression, else classifiers, else the field `License`; "" when it does not."""
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = metadata.get_all("Classifier") or []
    named = [line.rsplit("::", 1)[-1].strip() for line in classifiers if line.startswith("License :: ")]
    named = [name for name in named if name not in ("OSI Approved", "DFSG approved")]
    stated = metadata.get_all("License") or [""]
    return " OR ".join(named) or stated[0].strip().split("\n")[0]


def problem(lock: str, package: str, said: str) -> str:
    """What is wrong with a package of this licence in this lock; "" when nothing is."""
    text = said or NAMED.get(package, "")
    if not text:
        return f"{lock}: {package} names no licence; look it up, and add it to NAMED"
    free = [bool(_FREE.search(part)) and not _GPL.search(part) for part in re.split(r"\s+(?:AND|OR)\s+", text)]
    # Of alternatives one is enough; where anything is joined, all must do.
    if all(free) or (any(free) and " AND " not in text):
        return ""
    return "" if package in APART.get(lock, ()) else f"{lock}: {package} is under {text}"


def problems(root: Path) -> list[str]:
    """One line each; empty when all is well. Packages for other systems are not installed, so not looked at."""
    installed = {canonicalize_name(found.name): found.metadata for found in importlib.metadata.distributions()}
    found = []
    for lock in sorted(root.glob("requirements*.lock")):
        packages = {canonicalize_name(name) for name in _PINNED.findall(lock.read_text())}
        for package in sorted(packages & installed.keys()):
            found.append(problem(lock.name, package, licence(installed[package])))
    return [line for line in found if line]


if __name__ == "__main__":
    lines = problems(Path(__file__).resolve().parent.parent)
    sys.exit("\n".join(lines) if lines else 0)
