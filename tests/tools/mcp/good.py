"""A server of tools by the official SDK: `python good.py` for stdio, `python good.py PORT` for HTTP."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("bank")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def balance(account: str, days: int = 1) -> dict[str, object]:
    """Balance of an account."""
    if account == "bad":
        raise ValueError("no such account")
    return {"account": account, "usd": 12.5, "days": days, "told": os.environ.get("BANK_KEY", "")}


@server.tool()
async def pay(amount: float) -> str:
    """Pay an amount."""
    return f"Paid {amount:g} dollars."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run(transport="stdio")
