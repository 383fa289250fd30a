"""The workflows: thin, pinned, with least rights. actionlint and zizmor are `make workflows`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).resolve().parents[2]
_FILES = sorted((_ROOT / ".github/workflows").glob("*.yml"))
_TARGETS = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))
if not (_ROOT / "Dockerfile").exists():
    _TARGETS |= {"images", "containers"}
# What a stage may run beside make and scripts: what only the place where it runs has.
_ITS_OWN = ("gh release create ", "cd build && sha256sum ", "install -m 600 ", "printf '%s' ")


def _workflow(path: Path) -> dict[str, Any]:
    loaded = yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 - makes strings only, of `on` too
    assert isinstance(loaded, dict)
    return loaded


def _steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in _workflow(path)["jobs"].values() for step in job["steps"]]


def _runs() -> list[str]:
    actions = [yaml.safe_load(path.read_text())["runs"]["steps"] for path in _ROOT.glob(".github/actions/*/action.yml")]
    steps = [step for path in _FILES for step in _steps(path)] + sum(actions, [])
    return [step["run"].strip() for step in steps if "run" in step]


def test_there_are_workflows() -> None:
    assert [path.name for path in _FILES] == ["ci.yml", "release.yml"]
    assert len(_runs()) > 10


@pytest.mark.parametrize("command", sorted(set(_runs())))
def test_each_stage_is_a_target_or_a_script_that_is_there(command: str) -> None:
    if command.startswith(_ITS_OWN):
        return
    words = re.sub(r"^(sudo |[A-Z]+=\S+ )+", "", command).split()
    assert "\n" not in command
    if words[0] == "make":
        assert set(words[1:]) <= _TARGETS, command
        return
    script = _ROOT / words[0]
    assert script.is_file(), command
    assert script.stat().st_mode & 0o100, command


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_that_is_not_said(path: Path) -> None:
    workflow = _workflow(path)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow["on"]
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        writes = {what for what, right in rights.items() if right != "read"}
        assert job["timeout-minutes"], name
        if name in ("lint", "test", "security", "wheels", "deploy"):
            assert not writes, name
        if "packages" in writes:
            assert writes == {"packages"}, name


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_others_actions_are_pinned_by_commit(path: Path) -> None:
    for line in path.read_text().splitlines():
        if (found := re.search(r"uses: (\S+)(.*)", line)) and not found[1].startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", found[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), f"{line}: which version is it?"
    for step in _steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_secret_is_never_part_of_a_command(path: Path) -> None:
    for step in _steps(path):
        assert "${{" not in step.get("run", ""), "an expression in a command is pasted, not passed"
        assert "secrets." not in str(step.get("name", ""))
    secrets = set(re.findall(r"secrets\.(\w+)", path.read_text()))
    assert secrets <= {"GITHUB_TOKEN", "KUBE_CONFIG", "OVERLAY_SECRETS", "TWILIO_AUTH_TOKEN"}
    for step in _steps(path):
        hidden = [name for name, value in step.get("env", {}).items() if "secrets." in value]
        for name in hidden:
            assert not re.search(rf"(echo|cat|printenv|set -x)[^|>]*\$\{{?{name}", step["run"])


def test_only_main_is_deployed_after_everything_else_and_by_leave() -> None:
    jobs = _workflow(_ROOT / ".github/workflows/ci.yml")["jobs"]
    order, name = ["deploy"], "deploy"
    while name := jobs[name].get("needs", ""):
        order.append(name)
    assert order == ["deploy", "publish", "images", "security", "test", "lint"]
    assert jobs["deploy"]["environment"]["name"] == "production"
    assert jobs["deploy"]["concurrency"] == {"group": "production", "cancel-in-progress": "false"}
    for name in ("publish", "deploy"):
        assert "github.ref == 'refs/heads/main' && github.event_name == 'push'" in jobs[name]["if"]


def test_ci_here_runs_the_same_stages() -> None:
    here = (_ROOT / ".ci/run").read_text()
    for words in ("scripts/ci_needs.sh", "make check", "PARLEY_NO_SKIPS=1"):
        assert words in here
    assert re.search(r"^check: lint test", (_ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck: apt-get install shellcheck")
def test_scripts_are_shell_that_a_checker_takes() -> None:
    scripts = [*_ROOT.glob("scripts/*.sh"), _ROOT / ".ci/run"]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
