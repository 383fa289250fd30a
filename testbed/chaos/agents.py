"""The agents of these calls: one for each caller, so that every stand-in can tell whose words it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from testbed.chaos.verdict import CUT_OFF

PROMPT = "You answer the telephone whatever happens."
"""By this the model's stand-in knows these agents."""
AGENT: dict[str, Any] = {
    "company": "Bellweather Bikes",
    "greeting": "Hello.",
    "prompt": PROMPT,
    "endpointing": {"min_delay_ms": 200, "max_delay_ms": 800},
    "silence": {"prompt_after_s": 300},
    "limits": {"call_s": 7200},
    "sentences": {"cut_off": CUT_OFF},
}
_KNOWN = "# Opening hours\nThe shop is open from nine to six, and closed on Sundays.\n"
_TOOLS = '''"""The one thing this agent can do, and it changes the world."""

import os

import httpx

from parley.tooling import CallContext, tool


@tool(effects=True)
async def book_visit(mark: str, context: CallContext) -> dict[str, str]:
    """Book a visit.

    Args:
        mark: What the visit is for.
    """
    booking = {{"agent": "{name}", "mark": mark, "call_id": context.call_id, "pid": os.getpid()}}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30.0) as client:
        answer = await client.post("{url}/bookings", json=booking)
        answer.raise_for_status()
    return {{"mark": mark, "summary": f"booked {{mark}}"}}
'''


def name_of(caller: int) -> str:
    """The name is the agent's voice and model too, and stands in its key terms."""
    return f"c{caller:02d}"


def write_agents(folder: Path, callers: int, bookings_url: str, knows: bool = False) -> Path:
    """`knows`: each question is looked up in what the agent knows."""
    for name in map(name_of, range(callers)):
        (folder / name / "knowledge").mkdir(parents=True)
        (folder / name / "knowledge" / "about.md").write_text(_KNOWN)
        agent = AGENT | {"knowledge": {"retrieve": "always" if knows else "never"}}
        agent |= {"voice": {"elevenlabs": name}, "models": {"openai": name}, "keyterms": [name]}
        (folder / name / "agent.yaml").write_text(yaml.safe_dump(agent))
        (folder / name / "tools.py").write_text(_TOOLS.format(name=name, url=bookings_url))
    return folder
