"""Writes down what a whole run of the suite came to, for the tracker of the console."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.backoffice.tracker.proof import FILE, Outcome, Proof

ROOT = Path(__file__).parents[1]


class Written:
    """A plugin of the process that counts. `whole`: nothing was left out by the command line."""

    def __init__(self, whole: bool, file: Path = FILE) -> None:
        self._whole, self._file = whole, file
        self._found: dict[str, Counter[str]] = defaultdict(Counter)

    @classmethod
    def of(cls, config: pytest.Config) -> Written:
        option = config.option
        asked = option.keyword or option.markexpr or option.collectonly or option.deselect
        asked = asked or getattr(option, "lf", False)  # there may be no cache of what failed last
        return cls(whole=config.args == config.getini("testpaths") and not asked)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One of three for each test: set up, run, taken down."""
        file = report.nodeid.split("::", 1)[0]
        if report.failed:
            self._found[file]["failed"] += 1
        elif report.skipped:
            self._found[file]["left"] += 1
        elif report.when == "call":
            self._found[file]["passed"] += 1

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """An interrupted run says nothing of what it did not come to."""
        if not self._whole or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        files = {name: Outcome(**found) for name, found in sorted(self._found.items())}
        proof = Proof(at=datetime.now(UTC).isoformat(timespec="seconds"), commit=_commit(), files=files)
        self._file.write_text(proof.model_dump_json(indent=1) + "\n", "utf-8")


def _commit() -> str:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    told = subprocess.run(
        (git, "describe", "--always", "--dirty=+", "--abbrev=12"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return told.stdout.strip()
