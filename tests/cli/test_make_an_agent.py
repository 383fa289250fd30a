"""docs/make-an-agent.md, followed as it is written: what it has a newcomer type makes a bot that passes."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.testing import CliRunner

from cli.agent import agent
from cli.eval import eval as held_by

ROOT = Path(__file__).parents[2]
EVAL = typer.Typer()
EVAL.command()(held_by)
PAGE = (ROOT / "docs" / "make-an-agent.md").read_text("utf-8")


def block(heading: str, language: str, holding: str) -> str:
    """The code under a heading, as it is to be typed."""
    section = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    (found,) = [each for each in blocks if holding in each]
    return str(found)


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), "utf-8")


def test_the_page_makes_a_bot_with_its_own_tool_that_passes(tmp_path: Path) -> None:
    runner = CliRunner()
    environment = {"PARLEY_AGENTS_DIR": str(tmp_path / "agents"), "PARLEY_DATA_DIR": str(ROOT / ".parley")}
    command = block("1. A bot to begin with", "sh", "agent new").splitlines()[1].split("#")[0]
    arguments = re.findall(r'"[^"]*"|\S+', command)[1:]
    made = runner.invoke(agent, [each.strip('"') for each in arguments[1:]], env=environment)
    assert made.exit_code == 0, made.output
    bot = tmp_path / "agents" / "flower-shop"

    def checks(says: str) -> None:
        ran = runner.invoke(agent, ["check", "flower-shop"], env=environment)
        assert ran.exit_code == 0, ran.output
        assert says in ran.output

    checks("good: 2 tools, 1 files of knowledge, 2 conversations")
    replaced(
        bot / "tools.py", "from parley.tooling import HangUp, Result, tool\n", block("3.", "python", "ToolError, tool")
    )
    with (bot / "tools.py").open("a") as file:
        file.write("\n\n" + block("3.", "python", "price_of"))
    replaced(bot / "agent.yaml", "tools: [get_opening_hours, end_call]\n", block("3.", "yaml", "tools: ["))
    domain = block("3.", "yaml", "domain:")
    replaced(bot / "agent.yaml", "domain:\n  words: [open, opening hours, address]\n  intents:\n", domain)
    with (bot / "conversations" / "hours.yaml").open("a") as file:
        file.write(block("4.", "yaml", "a price"))
    checks("good: 3 tools, 1 files of knowledge, 3 conversations")
    held = runner.invoke(EVAL, ["flower-shop"], env=environment)
    assert held.exit_code == 0, held.output
    assert "3 of 3 conversations passed" in held.output
    step = "5."
    replaced(bot / "tools.py", "from typing import Any\n", "from typing import Any, Literal\n")
    with (bot / "tools.py").open("a") as file:
        file.write("\n\n" + block(step, "python", "confirm="))
    replaced(bot / "agent.yaml", block("3.", "yaml", "tools: ["), block(step, "yaml", "price_of, order"))
    intents = "  intents:\n"
    replaced(
        bot / "agent.yaml", intents, block(step, "yaml", "bunches: {kind") + intents + block(step, "yaml", "needs: [b")
    )
    with (bot / "conversations" / "hours.yaml").open("a") as file:
        file.write(block(step, "yaml", "six, no"))
    checks("good: 4 tools, 1 files of knowledge, 4 conversations")
    held = runner.invoke(EVAL, ["flower-shop"], env=environment)
    assert held.exit_code == 0, held.output
    assert "4 of 4 conversations passed" in held.output
