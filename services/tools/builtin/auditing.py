"""What an agent's `data.audit` gets of the tools that Parley gives."""

from __future__ import annotations

from typing import Any

from parley.agents.agent import Agent
from parley.tooling import CallContext


async def audit(agent: Agent, context: CallContext, what: str, who: str = "", **about: Any) -> None:
    """A row by the intent's own key: an intent that is done again has one. Raises ToolError: it cannot be written, and
    then nothing is told either. `who`: the customer, where it is not the context's."""
    if not (collection := agent.data.audit):
        return
    entry = {"who": who or context.customer, "level": context.level, "what": what, "about": about, "at": context.now}
    await context.records.put(collection, context.idempotency_key, {**entry, "call": context.call_id})
