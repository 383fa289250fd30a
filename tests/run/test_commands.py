"""doctor, the settings page, the locks, and what a skipped test looks like."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.doctor.doctor import examine
from cli.generated.settings_doc import document, main
from parley.settings import Settings
from tests.run.conftest import clean_environment

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_GATEWAY_PORT", "9")  # where nothing runs


async def test_with_no_key_everything_is_local_and_the_doctor_says_why() -> None:
    findings = {finding.what: finding for finding in await examine()}
    assert findings["stt (ears)"].detail == "whisper, local, because DEEPGRAM_API_KEY is not set"
    assert re.search(r"a sentence takes \d+ ms, \d+ callers per core may speak at once", findings["whisper"].detail)
    assert findings["agent"].state == "ok"
    assert "make run" in findings["gateway"].detail
    assert [one for one in findings.values() if one.state == "missing" and one.what != "packages"] == []


async def test_the_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_STT", "nonsense")
    monkeypatch.setenv("PARLEY_TTS", "elevenlabs")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:pass@127.0.0.1:9/v1")
    monkeypatch.setenv("ELEVENLABS_BASE_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("PARLEY_AGENT", "nobody")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    monkeypatch.setenv("TWILIO_API_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PARLEY_DATABASE_URL", "postgresql://u:p@127.0.0.1:9/parley")
    missing = [f"{one.what}: {one.detail}" for one in await examine() if one.state == "missing"]
    text = "\n".join(missing)
    for words in (
        "PARLEY_STT: there is no engine 'nonsense'; known are deepgram, flux, local, whisper",
        "ELEVENLABS_API_KEY is not set, and elevenlabs needs it",
        "OPENAI_BASE_URL: http://127.0.0.1:9/v1 does not answer",
        "ELEVENLABS_BASE_URL: ws://127.0.0.1:9 does not answer",
        "PARLEY_AGENT: there is no agent 'nobody'",
        "TWILIO_ACCOUNT_SID is not set",
        "PARLEY_DATABASE_URL: 127.0.0.1:9 does not answer",
    ):
        assert words in text
    assert "sk-secret" not in text
    assert "pass" not in text


async def test_a_wrong_variable_is_named_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_VAD", "maybe")
    (finding,) = [one for one in await examine() if one.what == "settings"]
    assert finding.state == "missing"
    assert finding.detail.startswith("PARLEY_VAD: ")


def test_the_doctor_exits_by_what_it_finds() -> None:
    command = [sys.executable, "-m", "cli", "doctor"]
    env = {**clean_environment(), "PARLEY_STT": "nonsense", "PARLEY_GATEWAY_PORT": "9"}
    sick = subprocess.run(command, env=env, capture_output=True, text=True, cwd=_ROOT, check=False)
    assert sick.returncode == 1
    assert "nonsense" in sick.stdout


def test_the_settings_page_names_every_variable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "settings.md"
    assert main(["--check", str(page)]) == 1
    assert "make docs" in capsys.readouterr().err
    assert main([str(page)]) == 0
    assert main(["--check", str(page)]) == 0
    for field in Settings.model_fields.values():
        assert re.search(rf"^\| `{field.alias}`( or `{field.alias}_FILE`)? \|", document(), re.MULTILINE)
        assert field.description


def test_an_unlocked_package_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["left>=2"]\n[project.optional-dependencies]\nstt = ["right>=1"]\n'
    )
    (tmp_path / "services" / "stt").mkdir(parents=True)
    (tmp_path / "services" / "stt" / "__init__.py").touch()
    (tmp_path / "requirements.lock").write_text("left==1.0 \\\n    --hash=sha256:00\nright==1.5\n")
    (tmp_path / "requirements-stt.lock").write_text("left==2.0\n")
    script = (_ROOT / "scripts" / "locks_check.py").read_text()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "locks_check.py").write_text(script)
    command = [sys.executable, str(tmp_path / "scripts" / "locks_check.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "requirements.lock: left>=2 is asked for, 1.0 is locked",
        "requirements-stt.lock: right>=1 is asked for, nothing is locked",
        "requirements-stt.lock: left==2.0, not as in requirements.lock",
        "make locks, and commit them",
    ]


@pytest.mark.parametrize(
    ("no_skips", "status", "words"), [("0", 0, "needs Chromium: apt-get"), ("1", 1, "nothing may be skipped")]
)
def test_a_skipped_test_is_named_with_its_install_line(tmp_path: Path, no_skips: str, status: int, words: str) -> None:
    (tmp_path / "conftest.py").write_text((_ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_page.py").write_text(
        "import pytest\n\n@pytest.mark.browser\ndef test_page():\n    pass\n\ndef test_other():\n    pass\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    browser\n    postgres\n")
    env = {**clean_environment(), "PATH": str(tmp_path), "PARLEY_NO_SKIPS": no_skips, "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == status, done.stdout
    assert words in done.stdout
    assert "test_page.py::test_page" in done.stdout


@pytest.mark.parametrize(
    ("python", "words"),
    [
        (
            "case $1 in --version) echo Python 3.9.2;; *) exit 1;; esac",
            "newer is needed, and there is Python 3.9.2",
        ),
        ('case "$2" in *ensurepip*) exit 1;; *) exec "%s" "$@";; esac', "apt-get install python3-venv"),
    ],
)
def test_a_machine_without_what_setup_needs_is_told_in_one_line(tmp_path: Path, python: str, words: str) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\n" + python.replace("%s", sys.executable) + "\n")
    stand_in.chmod(0o755)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "setup.sh").write_text((_ROOT / "scripts" / "setup.sh").read_text())
    env = {**clean_environment(), "PYTHON": str(stand_in)}
    command = ["sh", str(tmp_path / "scripts" / "setup.sh")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
