"""Tools that write down what they did. Their results name what they were asked, so that a mix-up shows."""

from parley.tooling import CallContext, Result, tool
from tests.oddities import journal


@tool
def order_status(order: int, context: CallContext) -> Result:
    """Where an order is.

    Args:
        order: Its number.
    """
    journal.write(context.call_id, "order_status", order=order)
    return Result({"order": order, "summary": f"Order {order} is on its way."})


@tool(effects=True)
def book_visit(day: str, context: CallContext) -> Result:
    """Book a visit to the workshop.

    Args:
        day: The day of the visit.
    """
    journal.write(context.call_id, "book_visit", day=day)
    return Result({"day": day, "summary": f"You are booked for {day}."})


@tool
def opening_hours(context: CallContext) -> Result:
    """When the shop is open."""
    journal.write(context.call_id, "opening_hours")
    return Result({"summary": "We are open until five."})


@tool
def find_note(word: str, context: CallContext) -> Result:
    """Notes about the caller; there are none.

    Args:
        word: What to look for.
    """
    journal.write(context.call_id, "find_note", word=word)
    return Result({})
