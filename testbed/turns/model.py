"""What the model of a script answers, and the agents that these calls reach: one for each script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from testbed.turns.record import Asked
from testbed.turns.script import AGENT, ELSE, Row, Script
from testbed.vendors.openai.script import Call, Messages, Reply, Tools, lines_of, text_of
from testbed.vendors.wordcodec import words_of

MODEL_MS = 50
CONTINUE = "(Your answer broke off"
_PROMPT = "You are the desk. Your name is "

TOOLS = '''"""What the desk can do. Each run is written down."""

import asyncio
import time
from pathlib import Path
from typing import Any

from parley.tooling import CallContext, HangUp, Result, tool

RUNS = Path(__file__).parent / "runs.log"


async def _work(name: str, ms: int, context: CallContext) -> dict[str, Any]:
    with RUNS.open("a") as runs:
        runs.write(f"{name} began {time.monotonic()} {context.call_id}\\n")
    await asyncio.sleep(ms / 1000)
    with RUNS.open("a") as runs:
        runs.write(f"{name} ended {time.monotonic()} {context.call_id}\\n")
    return {"done": name}


@tool
async def look_up(ms: int, context: CallContext) -> dict[str, Any]:
    """Look something up.

    Args:
        ms: How long it takes.
    """
    return await _work("look_up", ms, context)


@tool(effects=True)
async def book(ms: int, context: CallContext) -> dict[str, Any]:
    """Book a visit.

    Args:
        ms: How long it takes.
    """
    return await _work("book", ms, context)


@tool(effects=True, idempotent=True)
def end_call() -> Result:
    """Hang up."""
    return Result({"summary": "hanging up"}, then=HangUp("goodbye"))
'''


def turn_of(message: Mapping[str, Any]) -> str:
    """What the caller said, without what the product adds for the model in brackets ("I broke in there ...")."""
    return re.sub(r"^\((?!Your answer broke off)[^)]*\)\s*", "", text_of(message))


def row_of(rows: Sequence[Row], turn: str) -> Row:
    """The first row whose words are in the caller's turn; what is said to anything else."""
    said = f" {' '.join(words_of(turn))} "
    found = next((row for row in rows if f" {' '.join(words_of(row.words))} " in said), None)
    return found or Row("", f"{ELSE}{said.strip()}.")


def row_by_tool(script: Script, turn: str, tool: str) -> Row:
    """The row whose tool this is, asked for in this turn if it can be."""
    row = row_of(script.model_rows, turn)
    return row if row.tool == tool else next(row for row in script.model_rows if row.tool == tool)


def reply(script: Script, messages: Messages, tools: Tools) -> Reply:
    """The model's next round. After a tool the line of the row that called it."""
    last = messages[-1]
    users = [turn_of(message) for message in messages if message["role"] == "user"]
    turn = users[-1] if users else ""
    if last["role"] == "user" and turn.startswith(CONTINUE):
        return Reply(_rest(script, messages, users[-2] if len(users) > 1 else ""))
    if last["role"] == "user":
        row = row_of(script.model_rows, turn)
        offered = {tool.get("function", {}).get("name") for tool in tools}
        if not row.tool or row.tool not in offered:
            return Reply(row.line, wait_ms=script.model_ms)
        given = {"ms": row.tool_ms} if row.tool_ms else {}
        return Reply(row.first, (Call(row.tool, given),), wait_ms=script.model_ms)
    return Reply(_told(script, messages), wait_ms=script.model_ms)


def _told(script: Script, messages: Messages) -> str:
    """What to say of the last tool."""
    asked = ""
    told = "It is done."
    for message in messages:
        if message["role"] == "user":
            asked = turn_of(message)
        elif message["role"] == "tool":
            told = row_of(script.model_rows, asked).line
    return told


def _rest(script: Script, messages: Messages, turn: str) -> str:
    """Of a line that broke off, what has not been said."""
    line = row_of(script.model_rows, turn).line
    said = (lines_of(messages) or [""])[-1]
    return line[len(said) :] if line.startswith(said) else line


def asked(script: Script, at: float, messages: Messages) -> Asked:
    """A request as the record of a call keeps it."""
    plain = [{"role": m["role"], "content": turn_of(m) if m["role"] == "user" else text_of(m)} for m in messages]
    plain = [m for m in plain if m["role"] != "user" or m["content"]]  # the line before a greeting is nobody's
    turns = [str(m["content"]) for m in plain if m["role"] == "user"]
    return Asked(at, plain, row_of(script.model_rows, turns[-1]).line if turns else "")


def script_of(scripts: Mapping[str, Script], messages: Messages) -> Script | None:
    """Whose call this request belongs to: the agent's prompt has the script's name."""
    system = next((text_of(m) for m in messages if m["role"] == "system"), "")
    _, _, rest = system.partition(_PROMPT)
    return scripts.get(rest.split(".", 1)[0])


def agent_of(script: Script) -> dict[str, Any]:
    """The bot's `agent.yaml`."""
    agent: dict[str, Any] = {
        "prompt": f"{_PROMPT}{script.slug}.",
        "models": {"openai": script.slug},
        "voice": {"elevenlabs": "desk"},
    }
    for key, value in {**AGENT, **script.agent}.items():
        place = agent
        *path, name = key.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[name] = value
    return agent


def write_agent(folder: Path, script: Script) -> Path:
    """`folder/<slug>` with the bot's files; its tools write `runs.log` there."""
    home = folder / script.slug
    home.mkdir(parents=True, exist_ok=True)
    (home / "agent.yaml").write_text(yaml.safe_dump(agent_of(script)))
    (home / "tools.py").write_text(TOOLS)
    return home
