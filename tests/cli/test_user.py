"""`parley user`: what is typed and what is told, in a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.user import user


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARLEY_NATS_URL", "")


def typed(*words: str, status: int = 0, keys: str = "") -> str:
    ended = CliRunner().invoke(user, words, input=keys)
    assert ended.exit_code == status, ended.output
    return ended.output


def test_the_life_of_an_account() -> None:
    assert typed("list") == "There is none yet: parley user add NAME --role admin\n"
    made = typed("add", "ada", "--role", "admin").splitlines()
    assert made[0] == "ada may log in as admin."
    assert len(made[1].removeprefix("Password, shown once: ")) >= 20
    assert "there is an account ada" in typed("add", "ada", status=2)
    assert typed("role", "ada", "viewer") == "ada is viewer now.\n"
    assert typed("list").split() == ["ada", "viewer"]
    assert "Password, shown once: " in typed("password", "ada", "--without-code")
    assert "role: must be one of" in typed("role", "ada", "root", status=2)
    assert typed("remove", "ada") == "ada is removed.\n"
    assert "there is no account 'ada'" in typed("remove", "ada", status=2)


def test_a_password_that_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["four words nobody guesses", "four words nobody guesses", "one", "another"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(given))
    assert typed("add", "ada", "--ask") == "ada may log in as viewer.\n"
    assert "not the same" in typed("add", "bob", "--ask", status=2)


def test_a_link_for_a_console_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_BACKOFFICE_URL", "https://console.example.com/")
    assert typed("link").startswith("https://console.example.com/api/session/once?link=")
