"""An agent whose tool shows on the page what it does."""

from __future__ import annotations

import json
from pathlib import Path

WRAPPER = {
    "name": "Line",
    "cards": [
        {"name": "checks", "kind": "progress", "title": "Checking your line"},
        {"name": "result", "kind": "facts", "title": "What we found"},
    ],
}
TOOLS = '''
import asyncio
from parley.tooling import CallContext, Result, tool

STEPS = ("Router", "Line", "Server")

@tool(slow=True)
async def check_line(context: CallContext) -> Result:
    """Check the caller's line, step by step."""
    for done in range(len(STEPS) + 1):
        steps = [{"title": name, "state": "done" if n < done else "running"} for n, name in enumerate(STEPS[:done + 1])]
        context.show("checks", {"steps": steps, "percent": round(100 * done / len(STEPS))})
        await asyncio.sleep(0.3)
    context.show("no_such_card", 1)
    return Result({"summary": "Your line is well."}, show={"result": {"Noise": "none"}})
'''


def write(folder: Path) -> None:
    """Beside an agent.yaml."""
    (folder / "tools.py").write_text(TOOLS)
    (folder / "wrapper.json").write_text(json.dumps(WRAPPER))
