from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.tools.mcp import link
from testbed.patience import PATIENCE_S
from tests.tools.service import Desk, serving, settings

HERE = Path(__file__).parent
YAML = {"company": "A", "greeting": "Hello.", "prompt": "You are A."}
SECRET = "s3cr3t-of-the-bank"
ANYTHING = {"type": "object", "properties": {"n": {"type": "integer"}}}
NAMES = ["echo", "die", "hang", "stuck", "huge_line", "huge", "utf8", "garbage", "flood"]
NAMES += ["shape", "refuse", "fault", "failed", "picture"]


def described(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}.", "inputSchema": ANYTHING, **more}


@dataclass
class Odd:
    """The server of odd.py, as an agent has it."""

    folder: Path

    def __post_init__(self) -> None:
        self.lists([described(name) for name in NAMES])
        self.journal.touch()

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def lists(self, tools: list[dict[str, Any]]) -> None:
        new = self.folder / "list.new"
        new.write_text(json.dumps(tools))
        new.rename(self.folder / "list.json")

    def config(self, **more: Any) -> dict[str, Any]:
        """As a part of agent.yaml. `tools`: all as lookups, unless it is given."""
        args = [str(HERE / "odd.py"), str(self.folder / "list.json"), str(self.journal)]
        return {"command": sys.executable, "args": args, "tools": {"*": {"effects": False}}, "refresh_s": 1, **more}


@pytest.fixture
def odd(tmp_path: Path) -> Odd:
    return Odd(tmp_path)


def write(folder: Path, **fields: Any) -> None:
    home = folder / "a"
    home.mkdir(parents=True, exist_ok=True)
    (home / "agent.yaml").write_text(yaml.safe_dump({**YAML, **fields}))


@pytest.fixture
async def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """`await serve(mcp={...}, **fields of agent.yaml)`: the agent is served, its servers were waited for."""
    monkeypatch.setenv("PARLEY_SECRET_BANK_KEY", SECRET)
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "RELIST_S"):
        monkeypatch.setattr(link, name, 0.05)
    stack = AsyncExitStack()

    async def open_desk(**fields: Any) -> Desk:
        write(tmp_path / "agents", **fields)
        return await stack.enter_async_context(serving(settings(tmp_path / "data", tmp_path / "agents", "a")))

    async with stack:
        yield open_desk


async def until_listed(desk: Desk, name: str, there: bool = True) -> dict[str, Any]:
    """The tools, once `name` is among them (or is not any more)."""
    async with asyncio.timeout(PATIENCE_S):
        while (name in (tools := await desk.list("a"))) != there:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
    return tools


async def until_answered(desk: Desk, name: str, status: int, first_intent: int = 1000, **fields: Any) -> Any:
    """The outcome, once it is of this status."""
    intent = first_intent
    async with asyncio.timeout(PATIENCE_S):
        while (outcome := await desk.execute(name, intent, agent="a", **fields)).status != status:
            intent += 1
            await asyncio.sleep(0.05)
    return outcome
