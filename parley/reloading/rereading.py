"""What is read from files, and read again when they change. An edit that is wrong leaves the last good one in place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter

from parley.errors import ParleyError

log = structlog.get_logger()

T = TypeVar("T")
Stamp = tuple[tuple[int, int, int] | None, ...]

EDITS = Counter(
    "voice_agent_edits_total",
    "Edits of agents' files, as this process took them: taken, refused (the last good one stays)",
    ["agent", "what", "outcome"],
)


def stamp_of(paths: Sequence[Path]) -> Stamp:
    """By which an edit is known: time, size and inode of each file, None for one that is not there. One stat each."""
    return tuple(_stamp_of(path) for path in paths)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


class Reread(Generic[T]):
    """One thing made from the files of `paths` by `read`, which raises ParleyErrors that name file, field and remedy.

    `agent`, `what`: whose it is and what, for the log. `paths`: which files count, at this moment. Threads may share
    it.
    """

    def __init__(self, agent: str, what: str, paths: Callable[[], Sequence[Path]], read: Callable[[], T]) -> None:
        self._agent = agent
        self._what = what
        self._paths = paths
        self._read = read
        self._stamp: Stamp | None = None
        self._lock = threading.Lock()
        self.good: T | None = None
        self.problem = ""
        """What is wrong with the last edit, when it is not taken."""

    def now(self) -> T:
        """As the files are now, or as they last were good. Raises what `read` raises when they never were."""
        with self._lock:
            stamp = stamp_of(self._paths())  # before reading: what is written meanwhile is seen next time
            if self.good is None:
                self.good = self._read()
            elif stamp != self._stamp:
                self._take()
            self._stamp = stamp
            return self.good

    def _take(self) -> None:
        try:
            found = self._read()
        except ParleyError as e:
            self.problem = str(e)
            self._told("refused")
            log.error("an edit is not taken, the last good one stays", agent=self._agent, error=str(e))
            return
        self.problem = ""
        if found != self.good:
            self._told("taken")
            log.info("an edit is taken, for new calls", agent=self._agent, what=self._what)
            self.good = found

    def _told(self, outcome: str) -> None:
        EDITS.labels(self._agent, self._what, outcome).inc()
