"""`parley eval`: what it prints, writes, and gives back to whoever runs it, as a CI system does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import structlog
import typer
from typer.testing import CliRunner, Result

from cli.agent import new
from cli.eval import eval as command
from parley.agents.files import _FILES
from parley.published.bundle import contents, packed
from parley.published.shelf import Shelf
from parley.published.versions import Version

app = typer.Typer()
app.command()(command)

FAILS = """
  - name: tulips
    turns:
      - {caller: when are you open, says: at midnight, forbidden: get_opening_hours}
"""
MODEL = """
  - name: judged
    turns: [{caller: goodbye, judge: "was it polite?"}]
"""


@pytest.fixture
def agents(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The agents' folder, with a new bot as `parley agent new` makes it."""
    folder = tmp_path / "agents"
    monkeypatch.setenv("PARLEY_AGENTS_DIR", str(folder))
    monkeypatch.setenv("PARLEY_DATA_DIR", str(data_dir))
    _FILES.clear()
    new(folder, "flower-shop", "Rose & Co.")
    yield folder
    _FILES.clear()
    structlog.reset_defaults()


def evaluated(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["flower-shop", *arguments])


def added(agents: Path, text: str) -> None:
    path = agents / "flower-shop" / "conversations" / "hours.yaml"
    path.write_text(path.read_text() + text)


def test_a_new_bot_passes_and_machines_can_read_it(agents: Path, tmp_path: Path) -> None:
    junit, told = tmp_path / "eval.xml", tmp_path / "eval.json"
    result = evaluated("--only", "opening", "--runs", "2", "--junit", str(junit), "--json", str(told), "--show")
    assert result.exit_code == 0, result.output
    assert "ok    opening hours, then goodbye  2 of 2" in result.stdout
    assert "1 of 1 conversations passed, 2 of 2 runs" in result.stdout
    assert "caller: when are you open" in result.stdout
    assert "typed, with an engine of this machine, it says nothing of a call" in result.stdout
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    assert [case.get("name") for case in suite] == [
        "opening hours, then goodbye [1]",
        "opening hours, then goodbye [2]",
    ]
    data = json.loads(told.read_text())
    assert data["status"] == 0
    assert [tool["name"] for tool in data["conversations"][0]["runs"][0]["tools"]] == ["get_opening_hours", "end_call"]


def test_one_that_fails_says_what_was_expected_and_what_came(agents: Path, tmp_path: Path) -> None:
    added(agents, FAILS + MODEL)
    junit = tmp_path / "eval.xml"
    result = evaluated("--junit", str(junit))
    assert result.exit_code == 1
    assert "FAIL  tulips" in result.stdout
    assert 'turn 1 "when are you open": says "at midnight": the bot said "We are open' in result.stdout
    assert "forbidden: get_opening_hours({}) ok ran" in result.stdout
    assert "----  judged" in result.stdout
    assert "could not be run: a caller with a persona, and `judge`, need a language model" in result.stdout
    cases = {case.get("name"): case for case in ElementTree.parse(junit).getroot()[0]}
    assert cases["opening hours, then goodbye"].find("failure") is None
    failure = cases["tulips"].find("failure")
    assert failure is not None
    assert "at midnight" in str(failure.get("message"))
    assert "caller: when are you open" in str(failure.text)
    assert cases["judged"].find("error") is not None


def test_a_version_of_git_beside_the_present_one(agents: Path) -> None:
    git = ["git", "-c", "user.name=Rose", "-c", "user.email=rose@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "open"]):
        subprocess.run([*git, *arguments], cwd=agents.parent, check=True)
    bot = agents / "flower-shop"
    (bot / "tools.py").write_text((bot / "tools.py").read_text().replace("nine to five", "ten to six"))
    result = evaluated("--against", "HEAD")
    assert result.exit_code == 1
    assert "WORSE   opening hours, then goodbye  100% -> 0%" in result.stdout


def test_reports_are_written_also_where_a_published_version_turns_out_to_be_broken(
    agents: Path, data_dir: Path, tmp_path: Path
) -> None:
    broken = new(tmp_path / "published", "flower-shop", "Rose & Co.")
    (broken / "tools.py").write_text("import nothing_of_the_kind\n")
    bundle = packed(contents(broken))
    version = Version(id=bundle.id, digest=bundle.digest, size=len(bundle.data), at=0.0)
    root = Shelf(data_dir).unpack("flower-shop", version, bundle.data)
    junit = tmp_path / "eval.xml"
    result = evaluated("--only", "opening", "--against", version.id, "--junit", str(junit))
    assert result.exit_code == 2
    assert f"{root}/flower-shop/tools.py, line 1: ModuleNotFoundError" in result.stderr
    assert ElementTree.parse(junit).getroot()[0].get("tests") == "1"


WRONG = [
    ("turns:", "turn:", [], "did you mean turns? (line 7)"),
    ("", "", ["--only", "lilies"], "--only lilies: no conversation has this in its name; there are opening hours"),
    ("", "", ["--noise", "-40"], "--noise and --caller-voice are for --voice"),
    ("", "", ["--against", "no-such-tag"], "no-such-tag: no folder with an agent.yaml, no published version, and no"),
    (
        "",
        "",
        ["--only", "opening", "--junit", "/no/such/folder/x.xml"],
        "/no/such/folder/x.xml: No such file or directory",
    ),
]


@pytest.mark.parametrize(("old", "new_", "arguments", "told"), WRONG)
def test_what_is_asked_wrongly(agents: Path, old: str, new_: str, arguments: list[str], told: str) -> None:
    path = agents / "flower-shop" / "conversations" / "hours.yaml"
    path.write_text(path.read_text().replace(old, new_) if old else path.read_text())
    result = evaluated(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_agents_and_conversations_that_are_not_there(agents: Path) -> None:
    result = CliRunner().invoke(app, ["florist"])
    assert result.exit_code == 2
    assert "there is no agent 'florist'" in result.stderr
    (agents / "flower-shop" / "conversations" / "hours.yaml").unlink()
    result = evaluated()
    assert result.exit_code == 2
    assert "no conversations; write one, docs/eval.md says how" in result.stderr


def test_a_broken_tool_is_told_with_its_own_path(agents: Path) -> None:
    (agents / "flower-shop" / "tools.py").write_text("import nothing_of_the_kind\n")
    result = evaluated()
    assert result.exit_code == 2
    assert f"{agents}/flower-shop/tools.py, line 1: ModuleNotFoundError" in result.stderr
