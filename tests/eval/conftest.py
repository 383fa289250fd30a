"""A flower shop with tools that take their time, and conversations with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parley.agents.conversations.conversation import Conversation
from testbed.eval.home import Home, home
from testbed.eval.pace import Pace
from testbed.eval.trials import Trial, trial

AGENT = """
company: Rose & Co.
greeting: Hello, this is Rose and Company.
prompt: You sell roses.
knowledge: {retrieve: never}
silence: {prompt_after_s: 8, prompts: [Are you there?], goodbye: Goodbye then.}
transfer_to: "+15550100199"
domain:
  words: [rose, roses, flowers, bunch]
  slots:
    color: {kind: choice, values: [red, white, yellow], ask: Which color would you like?}
  intents:
    order:
      phrases: ["i want {color} roses", "[a bunch of|] {color} roses please", "i want roses", "some roses please"]
      tool: order_roses
      needs: [color]
    grown:
      phrases: ["how are the roses growing", "do the roses grow"]
      tool: watch_roses
    clock:
      phrases: ["what time is it", "what day is it"]
      tool: tell_time
    press:
      phrases: ["press the flowers", "please press my flowers"]
      tool: press_flowers
    person:
      phrases: ["a person please", "let me talk to a person"]
      tool: transfer_to_human
    bye:
      phrases: [goodbye, bye]
      tool: end_call
  fallback: I only know about roses.
"""
TOOLS = '''
import asyncio
import time

from parley.tooling import CallContext, HangUp, Result, ToolError, Transfer, tool

sold = []


@tool(effects=True)
async def order_roses(color: str, context: CallContext) -> str:
    """Order roses."""
    if color == "yellow":
        raise ToolError("There are no yellow roses.")
    sold.append(color)
    return f"I have ordered {color} roses for {context.caller or 'you'}. That is order number {len(sold)}."


@tool(slow=True, limit_s=600)
async def watch_roses(context: CallContext) -> str:
    """See how the roses grow, which takes four minutes."""
    before = context.now
    await asyncio.sleep(240)
    return f"They grow since {before:%H:%M}."


@tool
async def tell_time(context: CallContext) -> str:
    """The time."""
    return f"It is {context.now:%A %H:%M} in {context.now.tzname()}."


@tool
def press_flowers() -> str:
    """Press flowers, in a thread, for a moment of real time."""
    time.sleep(0.3)
    return "They are pressed."


@tool(effects=True, idempotent=True)
def transfer_to_human(context: CallContext) -> Result:
    """Transfer."""
    return Result({"summary": "I am connecting you."}, then=Transfer(context.transfer_to))


@tool(effects=True, idempotent=True)
def end_call() -> Result:
    """Hang up."""
    return Result({"summary": "Goodbye."}, then=HangUp("goodbye"))
'''


def shop(folder: Path) -> Path:
    """The agent's folder."""
    folder.mkdir(parents=True)
    (folder / "agent.yaml").write_text(AGENT)
    (folder / "tools.py").write_text(TOOLS)
    return folder


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the embedding model, built once."""
    return tmp_path_factory.mktemp("data")


class Bench:
    """The shop, at which conversations are held. `holds(at=..., turns=[...])` is one that is held and judged."""

    def __init__(self, source: Path, data_dir: Path) -> None:
        self.pace = Pace()
        self._made = home("shop", source, self.pace, profile="local", data_dir=data_dir)
        self.home: Home = self.pace.run(self._made.__aenter__())

    def holds(self, **script: Any) -> Trial:
        conversation = Conversation.model_validate({"name": "a call", **script})
        return self.pace.run(trial(self.home, conversation))

    def close(self) -> None:
        self.pace.run(self._made.__aexit__(None, None, None))
        self.pace.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Any:
    made = Bench(shop(tmp_path_factory.mktemp("agents") / "shop"), data_dir)
    yield made
    made.close()


Holds = Callable[..., Trial]


@pytest.fixture
def holds(bench: Bench) -> Holds:
    return bench.holds
