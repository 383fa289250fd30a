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
    "schedule_appointment": lambda **given: {"summary": f"You are booked in on {given['day']} at {given['at']}."},
    "cancel_appointment": lambda confirmation_number: {"summary": "Your appointment is cancelled."},
    "reschedule_appointment": lambda **given: {"summary": f"Your appointment is now on {given['day']}."},
    "look_up_account": lambda: {"summary": "Your account has ten points."},
    "collect_feedback": lambda score, words: {"summary": "Thank you, I have written that down."},
    "transfer_to_human": lambda: {"summary": "I am connecting you."},
    "end_call": lambda: {"summary": "Thank you for calling. Goodbye."},
}
SPECS = (
    spec("check_order_status", "order_number"),
    spec("get_business_hours", "day"),
    spec("schedule_appointment", "service", "day", "at", "name", "zone", "notes"),
    spec("cancel_appointment", "confirmation_number"),
    spec("reschedule_appointment", "confirmation_number", "day", "at"),
    spec("look_up_account"),
    spec("collect_feedback", "score", "words"),
    spec("transfer_to_human", "reason"),
    spec("end_call", "reason"),
)
