"""Who passes a call of a tool on to its server."""

from __future__ import annotations

from typing import Any, Protocol

from parley.tooling import ToolMarks
from services.tools.mcp.contract import Returned


class Caller(Protocol):
    async def call(self, tool: str, arguments: dict[str, Any], key: str, marks: ToolMarks) -> Returned:
        """Raises ToolError (it was not done), Unsure (who knows)."""
        ...
