"""The front desk of Bellweather Bikes and stand-ins of its tools, for conversations without a tools service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed.talk import spec

AGENTS = Path(__file__).parents[1] / "agents"
ORDERS = {"1234": "Order one two three four was shipped yesterday.", "1235": "Order one two three five is delayed."}
TOOLS: dict[str, Any] = {
    "check_order_status": lambda order_number: (
        {"summary": ORDERS[order_number]} if order_number in ORDERS else {"error": "I can not find that order."}
    ),
    "get_business_hours": lambda day="": {"summary": f"Open {day or 'all week'}."},
    "transfer_to_human": lambda: {"summary": "I am connecting you."},
    "end_call": lambda: {"summary": "Thank you for calling. Goodbye."},
}
SPECS = (
    spec("check_order_status", "order_number"),
    spec("get_business_hours", "day"),
    spec("transfer_to_human", "reason"),
    spec("end_call", "reason"),
)
