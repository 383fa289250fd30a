"""What every test shares: no setting of the developer's own, and what is missing on this machine is skipped by name.

Skipped tests are named again at the end, with the line that installs what they need. PARLEY_NO_SKIPS=1, set by
`.ci/run`, makes every skip a failure.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Generator
from pathlib import Path, PurePath
from typing import Any

import pytest
import structlog
from hypothesis import Phase, settings
from xdist.scheduler import LoadScopeScheduling

from parley.process import garbage
from parley.settings import Settings
from tests.proof import Written

NO_SKIPS = os.environ.get("PARLEY_NO_SKIPS") == "1"
TOGETHER = {
    "e2e": "calls",
    "browser": "pages",
    "console": "console",
    "turns/test_scripts.py": "calls",
    "cli": "runs",
    "run": "runs",
}
NEEDS = {
    "browser": ("Chromium", "apt-get install -y chromium"),
    "postgres": ("PostgreSQL", "apt-get install -y postgresql"),
    "nginx": ("nginx", "apt-get install -y nginx-light"),
}

# A case that fails is made small and shown; what else could have stood in it is not tried, which takes minutes.
settings.register_profile("suite", phases=[phase for phase in Phase if phase is not Phase.explain])
settings.load_profile("suite")

# A key in the developer's environment must not let a test call a vendor. Processes that tests start inherit this.
for _field in Settings.model_fields.values():
    os.environ.pop(str(_field.alias), None)
    os.environ.pop(f"{_field.alias}_FILE", None)


def chromium() -> str | None:
    """Path of a Chromium, for playwright's `executable_path`."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def postgres_bin() -> str | None:
    """Folder with `initdb` and `postgres`; Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    folders = [os.path.dirname(on_path)] if on_path else sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    return next((folder for folder in folders if os.path.exists(os.path.join(folder, "postgres"))), None)


def nginx() -> str | None:
    """Debian keeps it off the PATH of who is not root."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


_FOUND = {"browser": chromium, "postgres": postgres_bin, "nginx": nginx}


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Tests marked `browser` only run when there is one."""
    found = chromium()
    assert found is not None, "mark the test with `browser`"
    return found


@pytest.fixture(scope="session")
def postgres_folder() -> str:
    """Tests marked `postgres` only run when there is one."""
    found = postgres_bin()
    assert found is not None, "mark the test with `postgres`"
    return found


@pytest.fixture(scope="session")
def learned_dir(pytestconfig: pytest.Config) -> Path:
    """A data folder of which only models are used, and what was learned with them: built once for all runs."""
    return pytestconfig.cache.mkdir("parley")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests run when asked for. They are left out and not skipped: nothing is missing here."""
    if os.environ.get("PARLEY_SOAK") != "1":
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """For a few test processes (`make test`): calls in real time come one after the other, and a file stays together.

    xdist's own groups are lost with pytest 9, where a test's name can no longer be given a suffix.
    """
    return Together(config, log)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Calls come one after the other in one process, pages in another; the largest share begins first."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.split("::", 1)[0])
        folder = file.parent.name
        return TOGETHER.get(f"{folder}/{file.name}") or TOGETHER.get(folder, str(file))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (what, install) in NEEDS.items():
        if item.get_closest_marker(marker) and _FOUND[marker]() is None:
            pytest.skip(f"needs {what}: {install}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Written.of(config), "proof")


def pytest_collection_finish() -> None:
    garbage.freeze()


@pytest.fixture(autouse=True)
def _log_as_before() -> Generator[None]:
    """A command that a test types here says for its whole process what is logged."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module", autouse=True)
def _small_heap() -> None:
    """Callers and stand-ins run in this process: a full collection of all that is imported here is a hole in a word."""
    garbage.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if NO_SKIPS and report.skipped:
        _fail(report)


def _fail(report: Any) -> None:
    report.longrepr = f"skipped, where nothing may be skipped (PARLEY_NO_SKIPS=1): {_reason(report)}"
    report.outcome = "failed"


def _reason(report: Any) -> str:
    where = report.longrepr
    text = str(where[2]) if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("not run")
    by_reason: dict[str, list[str]] = {}
    for report in skipped:
        by_reason.setdefault(_reason(report), []).append(report.nodeid)
    for reason, names in sorted(by_reason.items()):
        terminalreporter.write_line(reason)
        for name in sorted(names):
            terminalreporter.write_line(f"    {name}")
