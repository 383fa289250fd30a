"""A bank that tells customers of themselves, once it knows who they are."""

from parley.tooling import CallContext, HangUp, Result, ToolError, Transfer, tool


@tool(level=2)
async def read_balance(context: CallContext) -> Result:
    """The caller's balance."""
    customer = await context.records.get("customers", context.customer)
    if customer is None:
        raise ToolError("Nobody is known to call.")
    return Result({"balance": customer["balance"], "summary": f"Your balance is {customer['balance']} dollars."})


@tool(level=1)
async def read_address(context: CallContext) -> Result:
    """The caller's address."""
    customer = await context.records.get("customers", context.customer)
    assert customer is not None
    return Result({"summary": f"We have {customer['address']} for you."})


@tool
def claim(context: CallContext) -> Result:
    """What is known of the caller. It says that somebody is theirs and proves nothing."""
    return Result({"customer": context.customer, "level": context.level, "summary": "That is you."}, customer="C1")


@tool(effects=True, idempotent=True)
def transfer_to_human(context: CallContext) -> Result:
    """Connect the caller to a colleague."""
    return Result({"summary": "I am connecting you."}, then=Transfer(context.transfer_to))


@tool(effects=True, idempotent=True)
def end_call() -> Result:
    """Hang up."""
    return Result({"summary": "Goodbye."}, then=HangUp())
