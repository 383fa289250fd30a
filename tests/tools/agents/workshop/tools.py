"""Tools that leave a line in a journal, and wait at a gate (a FIFO) until the test opens it."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Literal

from parley.tooling import CallContext, HangUp, Question, Result, ToolError, tool


def _work(word: str, journal: str, gate: str) -> None:
    with open(journal, "a") as f:
        f.write(word + "\n")
    if gate:
        with open(gate) as f:
            f.read()


@tool(effects=True, slow=True)
def book_visit(journal: str, context: CallContext, gate: str = "") -> Result:
    """Book a visit to the workshop."""
    context.progress("I am looking at the calendar.")
    _work(f"booked {context.idempotency_key}", journal, gate)
    return Result({"summary": "You are booked for Tuesday at ten."}, then=HangUp("booked"))


@tool(effects=True, idempotent=True)
def reserve_stand(journal: str, gate: str = "") -> str:
    """Keep a repair stand free; twice is once."""
    _work("reserved", journal, gate)
    return "A stand is reserved."


@tool(effects=True, limit_s=0.3)
def order_part(journal: str, gate: str) -> str:
    """Order a part from a slow supplier."""
    _work("ordered", journal, gate)
    return "The part is ordered."


@tool(limit_s=0.3)
def ask_supplier(journal: str, gate: str = "") -> str:
    """Ask a slow supplier for a price."""
    _work("asked", journal, gate)
    return "It costs ten dollars."


@tool
def describe(
    name: str,
    day: date,
    size: Literal["small", "Large"],
    count: Annotated[int, "How many."] = 1,
    price: float | None = None,
    gift: bool = False,
    colors: list[str] | None = None,
) -> dict[str, object]:
    """Say it all back.

    It is for tests.

    Args:
        name: What it is
            called.
        day: When.
        size: How big.
    """
    seen = [name, day.isoformat(), size, count, price, gift, colors]
    return {"seen": seen, "summary": "Said it all back."}


@tool(level=2)
def read_address() -> str:
    """Read the customer's address."""
    return "You live in Mill Street."


@tool
def out_of_stock() -> str:
    """Says that it can not."""
    raise ToolError("That saddle is sold out. Offer the brown one.")


@tool
def crash() -> str:
    """Fails."""
    raise RuntimeError("secret inside")


@tool(effects=True)
def crash_halfway(journal: str) -> str:
    """Fails after it did something."""
    _work("half", journal, "")
    raise RuntimeError("secret inside")


@tool
async def quit_process() -> str:
    """Tries to end the service."""
    sys.exit(3)


@tool
def too_large() -> dict[str, str]:
    """Gives more than fits."""
    return {"summary": "A lot.", "data": "x" * 20_000}


@tool(effects=True)
def too_large_effect() -> dict[str, str]:
    """Does something, and gives more than fits."""
    return {"summary": "It is ordered.", "data": "x" * 20_000}


@tool
def no_summary() -> dict[str, int]:
    """Forgets the summary."""
    return {"n": 1}


@tool
async def chatty(context: CallContext) -> str:
    """Never stops telling."""
    for n in range(100):
        context.progress(f"still at it {n}")
    return "Done."


@tool
def check_identity(pin: str, level: int = 2) -> Result:
    """Check who calls."""
    return Result({"summary": "Thank you."}, level=level)


@tool(consequential=True, confirm="Shall I cancel {order} on {day}, {why}?")
def cancel_order(order: str, day: date, journal: str, why: str = "no reason given") -> str:
    """Cancel an order."""
    _work(f"cancelled {order}", journal, "")
    return "The order is cancelled."


async def _move_words(to: Literal["red", "blue"], pieces: int, context: CallContext) -> str:
    if pieces > 9:
        raise ToolError("No more than nine can be moved at once.")
    return f"Shall I move {pieces} pieces to the {to} shelf, for {context.caller}?"


@tool(consequential=True, confirm=_move_words)
def move(to: Literal["red", "blue"], pieces: int, journal: str) -> str:
    """Move pieces to another shelf."""
    _work(f"moved {pieces} to {to}", journal, "")
    return "They are moved."


def _visit(day: str, context: CallContext) -> Question:
    if day == "never":
        return Question("Shall I?", {"dy": "2026-12-01"})
    return Question(f"Shall I book you in on {day}, the first?", {"day": "2026-12-01"})


@tool(consequential=True, confirm=_visit)
def book_day(day: str, journal: str) -> str:
    """Book a day in words."""
    _work(f"booked {day}", journal, "")
    return "You are booked."


@tool(consequential=True)
def scrap_bike(frame_number: str, journal: str) -> str:
    """Scrap a bike."""
    _work(f"scrapped {frame_number}", journal, "")
    return "It is gone."
