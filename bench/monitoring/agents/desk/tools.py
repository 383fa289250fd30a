"""What the desk can look up."""

from __future__ import annotations

import asyncio

from parley.tooling import tool


@tool
async def order_state(order: str) -> str:
    """Where an order is."""
    await asyncio.sleep(0.05)  # a system somewhere else
    return f"order {order}: at the shop"
