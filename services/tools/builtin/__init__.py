"""Tools that `agent.yaml` gives an agent, beside those of its `tools.py`."""

from __future__ import annotations

from collections.abc import Callable

from parley.agents.agent import Agent
from services.tools.builtin import verify_customer
from services.tools.builtin.queries import QueryTools
from services.tools.database import Database
from services.tools.schema import LoadedTool

_MAKERS: tuple[Callable[[Agent, Database | None], LoadedTool | None], ...] = (verify_customer.made,)


def builtin_tools(agent: Agent, database: Database | None) -> list[LoadedTool]:
    """Those that this agent has. Without a database they can be described, and not called."""
    single = [tool for make in _MAKERS if (tool := make(agent, database)) is not None]
    return [*single, *QueryTools(database).of(agent).values()]
