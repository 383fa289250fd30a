"""The two tools of the held-out rows. They write down what they did."""

from parley.tooling import CallContext, Result, tool
from tests.oddities import journal


@tool
def get_order_status(order_number: str, context: CallContext) -> Result:
    """Where an order is.

    Args:
        order_number: Its number.
    """
    journal.write(context.call_id, "get_order_status", order_number=order_number)
    return Result({"summary": f"Order {order_number} is on its way."})


@tool(effects=True)
def book_appointment(day: str, time: str, context: CallContext) -> Result:
    """Book a visit to the workshop.

    Args:
        day: The day of the visit.
        time: The hour.
    """
    journal.write(context.call_id, "book_appointment", day=day, time=time)
    return Result({"summary": "Booked."})
