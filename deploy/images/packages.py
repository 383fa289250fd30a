"""Installs a lock into the environment of an image, and writes the list of what is in it.

    python3 packages.py LOCK [--model NAME]     in a stage of the Dockerfile

Wheels only, checked by hash, nothing that the lock does not name. What only the packages' own tests and compilers read
is left out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from files import compile_modules, epoch, settle
from sbom import document, write

ENVIRONMENT = Path("/opt/parley")
DPKG = Path("/var/lib/dpkg/status")
NOT_RUN = ("*.pyi", "*.pxd", "*.pyx", "*.h", "*.hpp", "*.a", "*.c", "*.cpp")
TESTS = ("tests", "test/data")
"""Folders of packages' tests; `numpy.testing` is none."""
SELDOM_COMPILED = r"/twilio/rest/(?!api|__init__)"
"""A module for each product of the vendor: read from source if it ever is, which saves as much again."""


def install(lock: Path, environment: Path) -> None:
    """Raises CalledProcessError when a hash differs or there is no wheel."""
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install"]
    how = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-cache-dir"]
    quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
    subprocess.run([*pip, *how, *quiet, "-r", str(lock)], check=True)  # noqa: S603


def packages_of(environment: Path) -> Path:
    return next((environment / "lib").glob("python3.*")) / "site-packages"


def trim(packages: Path) -> None:
    """Remove what is not run. Folders of other names with such files in them are kept."""
    for found in [*unneeded(packages)]:
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)


def unneeded(packages: Path) -> Iterator[Path]:
    for pattern in NOT_RUN:
        yield from packages.rglob(pattern)
    for name in TESTS:
        # Not at the top: there it is a package of that name.
        yield from (path for path in packages.glob(f"*/**/{name}") if path.is_dir())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lock", type=Path)
    parser.add_argument("--model", action="append", default=[])
    given = parser.parse_args()
    install(given.lock, ENVIRONMENT)
    trim(packages_of(ENVIRONMENT))
    name = given.lock.stem.removeprefix("requirements-")
    listed = document(f"parley-{name}", packages_of(ENVIRONMENT), DPKG, given.model, epoch())
    write(listed, ENVIRONMENT / "sbom.cdx.json")
    compile_modules(packages_of(ENVIRONMENT), SELDOM_COMPILED)
    settle(ENVIRONMENT)


if __name__ == "__main__":
    main()
