"""What is audited of the tools that Parley gives: where agent.yaml has `data: {audit: true}`."""

from __future__ import annotations

from typing import Any

from parley.agents.agent import Agent
from parley.tooling import CallContext


async def audit(agent: Agent, context: CallContext, what: str, who: str = "", **about: Any) -> None:
    """Raises ToolError, Unavailable: it cannot be written, and then nothing is told either."""
    if agent.data.audit:
        await context.audit(what, who=who, **about)
