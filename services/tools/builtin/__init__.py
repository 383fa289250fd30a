"""Tools that `agent.yaml` gives an agent, beside those of its `tools.py`."""

from __future__ import annotations

from collections.abc import Mapping

from parley.agents.agent import Agent
from services.tools.builtin import verify_customer
from services.tools.builtin.queries import QueryTools
from services.tools.database import Database
from services.tools.schema import LoadedTool


class Builtin:
    """Of all agents. Without a database they can be described, and not called."""

    def __init__(self, database: Database | None) -> None:
        self._database = database
        self._queries = QueryTools(database)

    def of(self, agent: Agent) -> Mapping[str, LoadedTool]:
        """The agent's, by name."""
        verify = verify_customer.made(agent, self._database)
        return {**({} if verify is None else {verify.name: verify}), **self._queries.of(agent)}
