"""Versions, changelogs and tags: what may be released, and what is said of it. Wheels are built by `make wheels`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.release import __main__ as making
from scripts.release import build, check
from scripts.release.build import PACKAGES, problems
from scripts.release.changelog import Commit, NoSection, drafted, notes, released, unreleased, with_draft
from scripts.release.version import WrongVersion, current, following, written

_ROOT = Path(__file__).resolve().parents[2]
_CHANGES = """\
# Changelog

## [Unreleased]

### Added
- A bell

## [0.1.0] - 2026-01-02

### Added
- Everything
"""


def test_a_commit_is_a_line_where_it_belongs_unless_no_user_notices_it() -> None:
    commits = [
        Commit("Add a bell", ("services/gateway/bell.py", "tests/gateway/test_bell.py")),
        Commit("Callers may whisper", ("services/stt/ears.py",)),
        Commit("Fix the bell", ("services/gateway/bell.py",)),
        Commit("Fix a test", ("tests/gateway/test_bell.py", "bench/bell.py")),
        Commit("Address the caller", ("services/llm/words.py",)),
    ]
    assert drafted(commits).split("\n\n") == [
        "### Added\n- Add a bell",
        "### Changed\n- Callers may whisper\n- Address the caller",
        "### Fixed\n- Fix the bell",
    ]
    assert drafted(commits[3:4]) == ""


def test_what_was_unreleased_gets_a_version_and_a_day() -> None:
    assert unreleased(_CHANGES) == "### Added\n- A bell"
    after = released(_CHANGES, "0.2.0", "2026-03-04")
    assert unreleased(after) == ""
    assert notes(after, "0.2.0") == "### Added\n- A bell"
    assert notes(after, "0.1.0") == "### Added\n- Everything"
    assert "## [0.2.0] - 2026-03-04\n" in after
    again = with_draft(after, "### Fixed\n- The bell")
    assert unreleased(again) == "### Fixed\n- The bell"
    assert notes(again, "0.2.0") == "### Added\n- A bell"


def test_a_changelog_without_the_section_is_refused() -> None:
    with pytest.raises(NoSection, match="no line '## \\[Unreleased\\]'"):
        released("# Changelog\n", "0.2.0", "2026-03-04")
    with pytest.raises(NoSection, match="no line '## \\[0.3.0\\] - '"):
        notes(_CHANGES, "0.3.0")
    with pytest.raises(NoSection, match="says nothing of 0.1.0"):
        notes(_CHANGES.replace("### Added\n- Everything\n", ""), "0.1.0")


def test_the_changelog_of_this_project_can_be_released() -> None:
    text = (_ROOT / "CHANGELOG.md").read_text()
    now = current((_ROOT / "pyproject.toml").read_text())
    assert unreleased(text) or notes(text, now)
    assert notes(released(text, "9.9.9", "2099-01-01"), "9.9.9") == unreleased(text)


@pytest.mark.parametrize(
    ("wanted", "tags"),
    [("0.1.0", []), ("0.1.1", ["v0.1.0"]), ("0.2.0rc1", ["v0.1.0"]), ("0.2.0", ["v0.2.0rc1", "very-old"])],
)
def test_a_newer_version_may_follow(wanted: str, tags: list[str]) -> None:
    assert following(wanted, "0.1.0", tags) == wanted


@pytest.mark.parametrize(
    ("wanted", "tags", "why"),
    [
        ("", [], "three numbers are wanted"),
        ("0.2", [], "three numbers are wanted"),
        ("v0.2.0", [], "three numbers are wanted"),
        ("0.1.0", ["v0.1.0"], "0.1.0 is released already"),
        ("0.0.9", [], "0.0.9 is older than 0.1.0"),
        ("0.2.0rc1", ["v0.1.0", "v0.2.0"], "0.2.0rc1 is older than 0.2.0"),
    ],
)
def test_another_may_not(wanted: str, tags: list[str], why: str) -> None:
    with pytest.raises(WrongVersion, match=why):
        following(wanted, "0.1.0", tags)


def test_the_version_stands_in_one_line() -> None:
    text = (_ROOT / "pyproject.toml").read_text()
    after = written(text, "9.9.9")
    assert current(after) == "9.9.9"
    assert after.replace("9.9.9", current(text)) == text
    with pytest.raises(WrongVersion, match="names no version"):
        written("[project]\n", "9.9.9")


def test_a_wheel_has_every_file_and_nothing_else() -> None:
    licences = [f"parley-0.1.0.dist-info/licenses/{name}" for name in ("LICENSE", "THIRD_PARTY.md")]
    names = ["parley/__init__.py", "web/page.js", *licences]
    assert problems(names, ["parley/__init__.py", "parley/README.md", "web/page.js"]) == []
    assert problems(names, ["cli/run.py"]) == ["lacks cli/run.py"]
    assert problems(names[:2], []) == ["lacks LICENSE or THIRD_PARTY.md"]
    assert problems([*names, "tests/conftest.py"], []) == ["holds tests, which is not for users"]
    assert all((_ROOT / name).is_dir() for name in PACKAGES)


class Clone:
    """A repository with a version, a changelog, and a key to sign with."""

    def __init__(self, path: Path) -> None:
        self.path = path / "clone"
        self.path.mkdir()
        key = path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.public = key.with_suffix(".pub").read_text()
        self.git("init", "-q", "-b", "main")
        for name, value in (
            ("user.name", "n"),
            ("user.email", "n@example.org"),
            ("gpg.format", "ssh"),
            ("user.signingkey", f"{key}.pub"),
        ):
            self.git("config", name, value)
        (self.path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
        (self.path / "CHANGELOG.md").write_text(_CHANGES)
        self.git("add", "-A")
        self.git("commit", "-qm", "first")

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.path, check=True, capture_output=True)

    def problems(self, tag: str) -> list[str]:
        return check.problems(self.path, tag, main="main")


def test_a_signed_tag_of_main_is_what_a_release_may_be_made_of(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    clone.git("tag", "-s", "-m", "0.1.0", "v0.1.0")
    assert clone.problems("v0.1.0") == []
    signers = clone.path / ".github/allowed_signers"
    signers.parent.mkdir()
    signers.write_text(f"n@example.org {clone.public}")
    assert clone.problems("v0.1.0") == []
    (tmp_path / "other").mkdir()
    signers.write_text(f"n@example.org {Clone(tmp_path / 'other').public}")
    assert clone.problems("v0.1.0") == ["v0.1.0 is signed by nobody of .github/allowed_signers"]


def test_a_key_that_is_not_there_makes_no_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = Clone(tmp_path)
    monkeypatch.setattr(build, "ROOT", clone.path)
    making.can_sign()
    signers = clone.path / ".github/allowed_signers"
    signers.parent.mkdir()
    signers.write_text(f"n@example.org {clone.public}")
    making.sign("v0.1.0", "Parley 0.1.0\n\n### Added\n- Everything")
    assert clone.problems("v0.1.0") == []
    assert "\n### Added\n" in making.git("cat-file", "tag", "v0.1.0")
    making.git("tag", "--delete", "v0.1.0")
    clone.git("config", "user.signingkey", "/nowhere")
    with pytest.raises(making.Refused, match="(?s)can not sign.*user.signingkey KEY.*/nowhere"):
        making.can_sign()
    assert making.git("tag", "--list") == ""


def test_any_other_tag_is_not(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    clone.git("tag", "v0.1.0")
    assert clone.problems("v0.1.0") == ["v0.1.0 is no annotated tag"]
    assert clone.problems("v9.9.9") == ["v9.9.9 is no annotated tag"]
    clone.git("tag", "-f", "-a", "-m", "0.1.0", "v0.1.0")
    assert clone.problems("v0.1.0") == ["v0.1.0 is not signed"]
    clone.git("tag", "-s", "-m", "0.2.0", "v0.2.0")
    assert clone.problems("v0.2.0") == ["v0.2.0 is on version 0.1.0"]
    clone.git("checkout", "-q", "-b", "aside")
    (clone.path / "CHANGELOG.md").write_text("# Changelog\n")
    clone.git("commit", "-qam", "aside")
    clone.git("tag", "-f", "-s", "-m", "0.1.0", "v0.1.0")
    assert clone.problems("v0.1.0") == [
        "v0.1.0 is on no commit of main",
        "CHANGELOG.md has no line '## [0.1.0] - '",
    ]
