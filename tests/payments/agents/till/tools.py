"""A shop that takes cards: what reaches it is told by its last four digits and by a hash."""

from __future__ import annotations

import hashlib
from typing import Annotated

from parley.tooling import Result, Secret, ToolError, tool


@tool(effects=True)
async def pay(card: Annotated[str, Secret("card")], code: Annotated[str | None, Secret("code")] = None) -> Result:
    """Pay the open bill by card.

    Args:
        card: The card to be charged.
        code: Its security code.
    """
    if card.endswith("0341"):
        raise ToolError(f"The card {card} was declined.")
    proof = hashlib.sha256(f"{card}/{code or ''}".encode()).hexdigest()
    return Result({"summary": f"Paid with the card ending in {card[-4:]}.", "proof": proof, "card": card})


@tool(effects=True, consequential=True)
async def pay_all(card: Annotated[str, Secret("card")], amount: int) -> Result:
    """Pay everything.

    Args:
        card: The card to be charged.
        amount: In dollars.
    """
    return Result({"summary": f"Paid {amount} dollars with the card ending in {card[-4:]}."})
