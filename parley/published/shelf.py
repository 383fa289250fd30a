"""The published versions on this machine: `PARLEY_DATA_DIR/agents`, where each is unpacked once, for all processes.

agents/table.json                   what is published, as it was last known
agents/<name>/<version>/<name>/     the agent's folder, read-only; `agents/<name>/<version>` is a folder of agents
agents/<name>/<version>/.version    what it is; `parley.agents.files` reads it
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import structlog
from pydantic import BaseModel, Field, ValidationError

from parley.agents.files import VERSION_FILE, known_agents
from parley.errors import Misconfigured
from parley.published.bundle import contents, digest_of, is_published, opened
from parley.published.numbers import Numbers
from parley.published.versions import Version, Versions, is_name

log = structlog.get_logger()

KEPT = 8
"""Versions of an agent; the longest unused go. One that a call still wants is fetched again."""
LEFT_BEHIND_S = 3600.0
"""What a process that was killed over its unpacking left is removed after this."""
_TABLE = "table.json"
_MAKING = ".making-"


class Table(BaseModel):
    """What is published, of every agent, and which number reaches whom."""

    agents: dict[str, Versions] = Field(default_factory=dict)
    numbers: Numbers = Numbers()


class Shelf:
    """`find` and `table` only look; processes may share the folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.absolute() / "agents"
        self._table: tuple[int, Table] = (0, Table())

    def find(self, name: str, version: str) -> Path | None:
        """The folder of agents in which `name` is of this version, when it was unpacked here."""
        if not is_published(version) or not is_name(name):
            return None
        root = self._folder / name / version
        return root if (root / VERSION_FILE).is_file() else None

    def current(self, name: str, agents_dir: Path) -> Path:
        """The folder of agents in which `name` is as new calls have it, by what is on this machine."""
        versions = self.table().agents.get(name, Versions())
        return (self.find(name, versions.current) if versions.current else None) or agents_dir

    def names(self, agents_dir: Path) -> list[str]:
        """Of the agents in the folder and of the published ones."""
        published = (name for name, versions in self.table().agents.items() if versions.current)
        return sorted({*known_agents(agents_dir), *published})

    def table(self) -> Table:
        """As it was last written here; empty when it never was, or cannot be read."""
        path = self._folder / _TABLE
        try:
            stamp = path.stat().st_mtime_ns
            if stamp != self._table[0]:
                self._table = stamp, Table.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return self._table[1]
        return self._table[1]

    def write(self, table: Table) -> None:
        """Keep it for who starts while NATS is away. A full disk is told and otherwise nobody's harm."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(prefix=_MAKING, dir=self._folder)
            with os.fdopen(handle, "wb") as out:
                out.write(table.model_dump_json().encode())
            os.replace(made, self._folder / _TABLE)
        except OSError as e:
            log.warning("what is published cannot be kept on this machine", error=str(e))

    def verified(self, name: str, version: str) -> Path | None:
        """As `find`, once its content was compared with its version; what is damaged is removed."""
        if (root := self.find(name, version)) is None:
            return None
        try:
            if digest_of(contents(root / name)).startswith(version):
                os.utime(root)
                return root
        except (Misconfigured, OSError):
            pass
        log.error("an unpacked version is damaged, it is fetched again", agent=name, version=version)
        _remove(root)
        return None

    def unpack(self, name: str, version: Version, data: bytes) -> Path:
        """Whole or not at all. Raises Corrupt, Misconfigured (the disk)."""
        files = opened(data, version.digest)
        folder = self._folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder))
            try:
                _write(made, name, version.id, files)
                os.rename(made, folder / version.id)
            except OSError:
                if self.find(name, version.id) is None:  # not simply another process that was faster
                    raise
            finally:
                _remove(made)
        except OSError as e:
            raise Misconfigured(f"PARLEY_DATA_DIR: {folder}: a version cannot be unpacked: {e.strerror}") from e
        return folder / version.id

    def prune(self, name: str, needed: Collection[str]) -> None:
        """Keep `needed` and the last used, KEPT in all."""
        folder = self._folder / name
        try:
            for left in folder.glob(f"{_MAKING}*"):
                if time.time() - left.stat().st_mtime > LEFT_BEHIND_S:
                    _remove(left)
            roots = [root for root in folder.iterdir() if (root / VERSION_FILE).is_file()]
            spare = sorted((r for r in roots if r.name not in needed), key=lambda r: r.stat().st_mtime, reverse=True)
        except OSError:
            return  # another process is at it
        for root in spare[max(0, KEPT - len(roots) + len(spare)) :]:
            _remove(root)


def _write(root: Path, name: str, version: str, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        target = root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o444)
    (root / VERSION_FILE).write_text(version)
    for folder in (root / name, *(path for path in (root / name).rglob("*") if path.is_dir())):
        folder.chmod(0o555)


def _remove(root: Path) -> None:
    """Also what is read-only. First out of the way, so that nobody finds half of it."""
    if not root.exists():
        return
    aside = root
    if not root.name.startswith(_MAKING):
        aside = root.with_name(f"{_MAKING}{root.name}-{os.getpid()}")
        try:
            os.rename(root, aside)
        except OSError:
            return
    for path in (aside, *aside.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(aside, ignore_errors=True)
