"""Waves on disk, one JSON file each, so that a run that was broken off goes on where it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed.chaos.cells import WANTED, Row
from testbed.chaos.verdict import Verdict

FOLDER = Path(".parley") / "chaos"
TOO_LATE_MS = 500.0


@dataclass
class Kept:
    """One wave as it is kept. `scenes`: the fingerprint of what was said in it; `took_s`: all in all."""

    row: str
    instance: str
    at: str
    calls: int
    late_ms: float
    load: float
    verdicts: list[Verdict] = field(default_factory=list)
    scenes: str = ""
    took_s: float = 0.0
    busy: float = 0.0

    @property
    def spoiled(self) -> bool:
        """The callers' own clock stood still: what was heard then says nothing about the services."""
        return self.late_ms > TOO_LATE_MS


class Store:
    """`scenes`: the fingerprint of the scenes as they are now. What others were played in is kept, and not used."""

    def __init__(self, scenes: str, folder: Path = FOLDER) -> None:
        self._scenes = scenes
        self._folder = folder

    def add(self, kept: Kept) -> None:
        folder = self._folder / kept.row.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        number = max((int(path.stem) for path in folder.glob("*.json")), default=-1) + 1
        path = folder / f"{number:03d}.json"
        path.write_text(json.dumps(asdict(kept), indent=1), "utf-8")

    def waves(self, row: Row) -> Iterator[Kept]:
        """Of the scenes as they are now, in order."""
        return (wave for wave in self.every(row) if wave.scenes == self._scenes)

    def every(self, row: Row) -> Iterator[Kept]:
        """Those of other scenes too."""
        for path in sorted((self._folder / row.name.replace("/", "-")).glob("*.json")):
            data = json.loads(path.read_text("utf-8"))
            yield Kept(**{**data, "verdicts": [Verdict(**each) for each in data["verdicts"]]})

    def verdicts(self, row: Row) -> list[Verdict]:
        """Those of calls that were served by what was hit, of waves in which the rig itself was in time."""
        return [each for wave in self.waves(row) if not wave.spoiled for each in wave.verdicts if each.hit]

    def counts(self, row: Row) -> Counter[str]:
        """Moment -> calls that count."""
        return Counter(each.moment for each in self.verdicts(row))

    def lacking(self, row: Row, moments: Iterable[str]) -> dict[str, int]:
        """Moment -> calls that its cell still needs; only those that need some."""
        counts = self.counts(row)
        return {moment: WANTED - counts[moment] for moment in moments if counts[moment] < WANTED}

    def forget(self, row: Row) -> None:
        for path in (self._folder / row.name.replace("/", "-")).glob("*.json"):
            path.unlink()
