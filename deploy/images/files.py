"""Files of an image, the same wherever and whenever it is built: compiled without times, dated by SOURCE_DATE_EPOCH,
read by everybody and written by their owner, whatever the umask of the working folder.

    python3 files.py FOLDER... [--make FOLDER...] [--compile FOLDER...]

Agents are not compiled: what is in their folders is their version.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
from pathlib import Path


def epoch() -> int:
    """Unix time of the commit, or 0."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or 0)


def compile_modules(folder: Path, but: str = "") -> None:
    """All but those whose path matches `but`. The container's file system is read-only: nobody could do it later."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    left_out = re.compile(but) if but else None
    compileall.compile_dir(folder, maxlevels=50, quiet=2, rx=left_out, workers=1, invalidation_mode=mode)


def settle(folder: Path) -> None:
    """Everything in it, and itself."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch(), epoch()), follow_symlinks=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--make", type=Path, nargs="*", default=[])
    parser.add_argument("--compile", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    for folder in given.make:
        folder.mkdir(parents=True)
    for folder in given.compile:
        compile_modules(folder)
    for folder in (*given.folders, *given.make):
        settle(folder)


if __name__ == "__main__":
    main()
