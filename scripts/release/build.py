"""`make wheels`: an sdist, and a wheel built from it, in build/dist; then tried as a stranger would, in an empty place.

Fails when the wheel lacks a file that the packages have in git, when it holds what is not for users, or when `parley`
does not start from it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from scripts.release.version import current

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "build/dist"
_UV = str(ROOT / ".venv/bin/uv")
# What the commands of `parley` need between them: eval and agent run the services in their own process.
EXTRAS = "cli,orchestrator,llm,tools,rag"
PACKAGES = ("parley", "services", "runner", "testbed", "cli", "web")
# Told to people who read the source.
_FOR_READERS = (".md", ".png", ".gitignore")


def build() -> Path:
    """The wheel. Raises CalledProcessError, SystemExit with what is wrong with it."""
    shutil.rmtree(DIST, ignore_errors=True)
    # setuptools leaves its copies of files that are gone.
    shutil.rmtree(ROOT / "build/lib", ignore_errors=True)
    when = _said("git", "log", "-1", "--format=%ct")
    env = {**os.environ, "SOURCE_DATE_EPOCH": when}
    words = ["build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(DIST), str(ROOT)]
    subprocess.run([_UV, *words], env=env, check=True)
    (DIST / ".gitignore").unlink(missing_ok=True)
    version = current((ROOT / "pyproject.toml").read_text())
    wheel, sdist = DIST / f"parley-{version}-py3-none-any.whl", DIST / f"parley-{version}.tar.gz"
    for path in (wheel, sdist):
        if not path.exists():
            raise SystemExit(f"wheels: {path.name} was not built; build/dist has {sorted(os.listdir(DIST))}")
    if wrong := problems(zipfile.ZipFile(wheel).namelist(), _said("git", "ls-files", *PACKAGES).splitlines()):
        raise SystemExit("\n".join(f"wheels: {wheel.name}: {line}" for line in wrong))
    return wheel


def problems(names: Iterable[str], tracked: Iterable[str]) -> list[str]:
    """What is wrong with a wheel of these files, of packages that have the files `tracked` in git."""
    have = set(names)
    found = [f"lacks {name}" for name in tracked if name not in have and not name.endswith(_FOR_READERS)]
    if not {name.rsplit("/", 1)[-1] for name in have if "/licenses/" in name} >= {"LICENSE", "THIRD_PARTY.md"}:
        found.append("lacks LICENSE or THIRD_PARTY.md")
    tops = {name.split("/")[0] for name in have if not name.split("/")[0].endswith(".dist-info")}
    return found + [f"holds {name}, which is not for users" for name in sorted(tops - set(PACKAGES))]


def try_out(wheel: Path) -> str:
    """What `parley --version` says from the wheel, installed by itself. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([_UV, "venv", "--quiet", "--python", sys.executable, f"{place}/env"], check=True)
        words = ["--quiet", "--python", f"{place}/env", "--constraint", str(ROOT / "requirements.lock")]
        subprocess.run([_UV, "pip", "install", *words, f"{wheel}[{EXTRAS}]"], check=True)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        parley = f"{place}/env/bin/parley"
        subprocess.run([parley, "--help"], cwd=place, env=env, check=True, stdout=subprocess.DEVNULL)
        return subprocess.check_output([parley, "--version"], cwd=place, env=env, text=True).strip()


def _said(*words: str) -> str:
    return subprocess.check_output(words, cwd=ROOT, text=True).strip()


def main() -> None:
    wheel = build()
    said = try_out(wheel)
    if said != f"parley {wheel.name.split('-')[1]}":
        raise SystemExit(f"wheels: parley --version says {said!r} from {wheel.name}")
    print(f"{said}: " + ", ".join(f"build/dist/{path.name}" for path in sorted(DIST.iterdir())))


if __name__ == "__main__":
    main()
