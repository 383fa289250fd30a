"""What Quillmark Bank does on the telephone. Everything of a customer wants a level, and everything is audited: who,
what, when, by which intent; an effect in the same transaction as its entry. What proved who calls is in none of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from parley.text.periods import Period, before, end, month, period_said
from parley.text.telling import cardinal, day, digits, money
from parley.tooling import CallContext, HangUp, Records, Result, ToolError, Transfer, tool

Row = dict[str, Any]
Account = Literal["checking", "savings"]
Category = Literal[
    "groceries", "restaurants", "transport", "utilities", "shopping", "health", "entertainment", "travel"
]  # fmt: skip
INCOME = "income"
LISTED = 5
CENT = Decimal("0.01")


@tool(level=1)
async def get_balance(context: CallContext, account: Account | None = None) -> Result:
    """What is on the verified customer's accounts.

    Args:
        account: checking or savings. Leave it out for both.
    """
    accounts = await _mine(context, "accounts")
    asked = [row for row in accounts.values() if account in (None, row["kind"])]
    if not asked:
        raise ToolError(
            f"There is no {account} account. You have {' and '.join(r['kind'] for r in accounts.values())}."
        )
    told = [f"{money(Decimal(row['balance']))} in your {row['kind']} account" for row in asked]
    await _read(context, "balance", account=account or "all")
    return Result(
        {"balances": {row["kind"]: row["balance"] for row in asked}, "summary": f"You have {' and '.join(told)}."},
        show={**_known(context), "accounts": _accounts_card(accounts)},
    )


@tool(level=1)
async def spending(context: CallContext, category: Category | None = None, period: str = "this month") -> Result:
    """How much the verified customer spent in a period, on one category or in all, beside the period before it.

    Args:
        category: On what. Leave it out for everything.
        period: this month, last month, this year, last year, the last 30 days, a month such as october or 2026-10, or
            a year.
    """
    today = context.now.date()
    asked = period_said(period, today)
    if asked is None:
        raise ToolError("I can tell it for this month, last month, this year, last year, or a month by its name.")
    earlier = before(asked)
    spent = await _spent(context, category)
    total, past = _sum(spent, asked), _sum(spent, earlier)
    on = f" on {category}" if category else ""
    await _read(context, "spending", category=category or "all", period=f"{asked.first} to {asked.last}")
    newest = max((row["day"] for row in spent if row["day"] <= today.isoformat()), default="")
    said = f"You spent {money(total)}{on} {asked.words}." if total else f"I see no payments{on} {asked.words}."
    if total and past:
        said += f" {_compared(total, past)} {earlier.words}."
    elif not total and newest:
        said += f" The newest that I have is of {day(date.fromisoformat(newest), 'en', today)}."
    share = (
        {"value": round(100 * total / past), "detail": f"{_figures(total)} against {_figures(past)}"} if past else None
    )
    by = _by_category([row for row in spent if _is_in(row, asked)])
    return Result(
        {
            "total_dollars": str(total),
            "before_dollars": str(past),
            "from": str(asked.first),
            "to": str(asked.last),
            "summary": said,
        },
        show={**_known(context), "spending": _chart(by), "share": share},
    )


@tool(level=1)
async def spending_trend(context: CallContext, category: Category | None = None) -> Result:
    """How the verified customer's spending went over the last six whole months.

    Args:
        category: On what. Leave it out for everything.
    """
    today = context.now.date()
    spent = await _spent(context, category)
    months = [month(today, -n) for n in range(6, 0, -1)]
    sums = {first: _sum(spent, Period(first, end(first), "")) for first in months}
    await _read(context, "trend", category=category or "all")
    if not any(sums.values()):
        raise ToolError("I see no payments in the last six months.")
    first, last = months[0], months[-1]
    most = max(sums, key=lambda each: sums[each])
    on = f" on {category}" if category else ""
    mean = (sum(sums.values(), Decimal()) / len(sums)).quantize(CENT)
    said = (
        f"Your spending{on} was {money(sums[first])} in {first:%B} and {money(sums[last])} in {last:%B}. "
        f"The most was {money(sums[most])} in {most:%B}, and on average it was {money(mean)} a month."
    )
    return Result(
        {"by_month": {f"{each:%Y-%m}": str(total) for each, total in sums.items()}, "summary": said},
        show={**_known(context), "spending": _chart({f"{each:%B %Y}": total for each, total in sums.items()})},
    )


@tool(level=1)
async def recent_transactions(context: CallContext, category: Category | None = None) -> Result:
    """The verified customer's last payments, the newest first.

    Args:
        category: On what. Leave it out for everything.
    """
    today = context.now.date()
    spent = [row for row in await _spent(context, category) if row["day"] <= today.isoformat()]
    newest = sorted(spent, key=lambda row: str(row["day"]), reverse=True)[:LISTED]
    await _read(context, "payments", category=category or "all")
    if not newest:
        raise ToolError("I see no such payments.")
    told = [f"{money(Decimal(r['amount']))} at {r['merchant']} on {_day(r['day'], today)}" for r in newest[:3]]
    rows = [
        {"title": r["merchant"], "detail": f"{_short(r['day'])}, {r['category']}: {_figures(r['amount'])}"}
        for r in newest
    ]
    return Result(
        {"payments": [{k: r[k] for k in ("day", "merchant", "amount", "category")} for r in newest]}
        | {"summary": f"Your last payments{f' on {category}' if category else ''}: {'; '.join(told)}."},
        show={**_known(context), "payments": rows},
    )


@tool(level=1)
async def get_deposit(context: CallContext) -> Result:
    """The verified customer's fixed deposit: amount, interest, when it ends, and what breaking it would cost."""
    today = context.now.date()
    _, deposit = await _deposit(context.records, context.customer)
    lost = _penalty(deposit)
    await _read(context, "deposit")
    said = (
        f"You have {money(Decimal(deposit['amount']))} at {_percent(deposit['percent'])} percent until "
        f"{_day(deposit['matures'], today)}. Breaking it now would cost you {money(lost)}."
    )
    told = {
        "amount": deposit["amount"],
        "percent": deposit["percent"],
        "matures": deposit["matures"],
        "penalty": str(lost),
    }
    return Result({**told, "summary": said}, show={**_known(context), "deposit": _deposit_card(deposit)})


async def _asks_to_break(context: CallContext) -> str:
    _, deposit = await _deposit(context.records, context.customer)
    amount, lost = Decimal(deposit["amount"]), _penalty(deposit)
    return (
        f"If you break your deposit of {money(amount)} now, you lose the interest of "
        f"{cardinal(deposit['penalty_days'])} days, that is {money(lost)}, and {money(amount - lost)} go to your "
        "checking account. Shall I break it?"
    )


@tool(level=2, consequential=True, confirm=_asks_to_break)
async def break_fixed_deposit(context: CallContext) -> Result:
    """Break the verified customer's fixed deposit before its time. The penalty is told and asked for by itself."""
    async with context.records.transaction() as records:
        key, deposit = await _deposit(records, context.customer)
        account_key, account = await _checking(records, context.customer)
        lost = _penalty(deposit)
        paid = Decimal(deposit["amount"]) - lost
        deposit |= {"status": "broken", "broken": context.now.date(), "penalty": lost}
        account |= {"balance": Decimal(account["balance"]) + paid}
        await records.put("deposits", key, deposit)
        await records.put("accounts", account_key, account)
        await context.audit("deposit broken", deposit=key, penalty=lost, paid=paid)
    accounts = await _mine(context, "accounts")
    return Result(
        {"paid_dollars": str(paid), "penalty_dollars": str(lost)}
        | {"summary": f"It is done. {money(paid).capitalize()} are in your checking account now."},
        show={**_known(context), "accounts": _accounts_card(accounts), "deposit": _deposit_card(deposit)},
    )


async def _asks_to_block(context: CallContext, card: Literal["debit", "credit"]) -> str:
    _, row = await _card(context.records, context.customer, card)
    return f"Shall I block your {card} card that ends in {digits(row['ends'])}? It can not be unblocked."


@tool(level=1, consequential=True, confirm=_asks_to_block)
async def block_card(
    context: CallContext,
    card: Literal["debit", "credit"],
    reason: Literal["lost", "stolen", "damaged", "not said"] = "not said",
) -> Result:
    """Block a card of the verified customer at once: lost, stolen or damaged. A new one is sent by post.

    Args:
        card: Which card.
        reason: What happened to it, as far as the customer said.
    """
    async with context.records.transaction() as records:
        key, row = await _card(records, context.customer, card)
        row |= {"status": "blocked", "blocked": context.now, "reason": reason}
        await records.put("cards", key, row)
        await context.audit("card blocked", card=key, reason=reason)
    cards = await _mine(context, "cards")
    police = " If it was stolen, please tell the police as well." if reason == "stolen" else ""
    said = f"Your {card} card that ends in {digits(row['ends'])} is blocked. A new one comes by post in five days."
    return Result({"blocked": card, "summary": said + police}, show={**_known(context), "cards": _cards_card(cards)})


@tool(effects=True, idempotent=True)
async def transfer_to_human(context: CallContext, reason: str = "the caller asked for a person") -> Result:
    """Connect the caller to a colleague. Use it when they ask for a person, or can not show who they are.

    Args:
        reason: Why, in a few words, without anything that the caller said to show who they are.
    """
    if not context.transfer_to:
        raise ToolError("There is nobody I can connect you to right now. Please call again on a working day.")
    await context.audit("transferred")
    return Result(
        {"transferred": True, "summary": "I am connecting you to a colleague now. One moment please."},
        then=Transfer(context.transfer_to, reason),
    )


@tool(effects=True, idempotent=True)
async def end_call(context: CallContext, reason: str = "the caller said goodbye") -> Result:
    """Hang up. Use it when the caller said goodbye or has nothing more to ask; say a short goodbye with it.

    Args:
        reason: Why the call ends, in a few words.
    """
    await context.audit("call ended")
    return Result({"ended": True, "summary": "Thank you for calling Quillmark Bank. Goodbye."}, then=HangUp(reason))


async def _read(context: CallContext, what: str, **about: Any) -> None:
    await context.audit(f"{what} told", **about)


async def _mine(context: CallContext, collection: str) -> dict[str, Row]:
    """Rows of the verified customer, and nobody else's."""
    if not context.customer:
        raise ToolError("First the caller has to show who they are.")
    return await context.records.find(collection, customer=context.customer)


async def _spent(context: CallContext, category: str | None) -> list[Row]:
    rows = (await _mine(context, "transactions")).values()
    return [row for row in rows if row["category"] != INCOME and category in (None, row["category"])]


async def _deposit(records: Records, customer: str) -> tuple[str, Row]:
    found = await records.find("deposits", customer=customer, status="open") if customer else {}
    if not found:
        raise ToolError("You have no fixed deposit with us.")
    if len(found) > 1:
        raise ToolError("You have more than one fixed deposit. A colleague can break one of them for you.")
    return next(iter(found.items()))


async def _checking(records: Records, customer: str) -> tuple[str, Row]:
    return next(iter((await records.find("accounts", customer=customer, kind="checking")).items()))


async def _card(records: Records, customer: str, kind: str) -> tuple[str, Row]:
    found = await records.find("cards", customer=customer, kind=kind) if customer else {}
    for key, row in found.items():
        if row["status"] == "active":
            return key, row
    raise ToolError(f"Your {kind} card is blocked already." if found else f"You have no {kind} card with us.")


def _penalty(deposit: Mapping[str, Any]) -> Decimal:
    """Simple interest of the days that are lost."""
    yearly = Decimal(deposit["amount"]) * Decimal(deposit["percent"]) / 100
    return (yearly * int(deposit["penalty_days"]) / 365).quantize(CENT)


def _sum(rows: list[Row], period: Period) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows if _is_in(row, period)), Decimal())


def _is_in(row: Row, period: Period) -> bool:
    return period.first.isoformat() <= str(row["day"]) <= period.last.isoformat()


def _by_category(rows: list[Row]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[str(row["category"]).capitalize()] += Decimal(row["amount"])
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _compared(total: Decimal, past: Decimal) -> str:
    percent = round(100 * (total - past) / past)
    if not percent:
        return "That is about as much as"
    return f"That is {cardinal(abs(percent))} percent {'more' if percent > 0 else 'less'} than"


def _chart(sums: Mapping[str, Decimal]) -> list[Row]:
    """Bars of text, as the page has no other."""
    most = max(sums.values(), default=Decimal()) or Decimal(1)
    return [
        {"title": name, "detail": f"{'█' * round(14 * total / most) or '▏'} {_figures(total)}"}
        for name, total in list(sums.items())[:12]
    ]


def _accounts_card(accounts: Mapping[str, Row]) -> list[Row]:
    return [
        {"title": f"{row['kind'].capitalize()} {_masked(row['number'][-4:])}", "detail": _figures(row["balance"])}
        for row in accounts.values()
    ]


def _cards_card(cards: Mapping[str, Row]) -> list[Row]:
    tones = {"active": "good", "blocked": "bad"}
    return [
        {
            "title": f"{r['kind'].capitalize()} card {_masked(r['ends'])}",
            "status": r["status"],
            "tone": tones[r["status"]],
        }
        for r in cards.values()
    ]


def _deposit_card(deposit: Mapping[str, Any]) -> Row:
    return {
        "Amount": _figures(deposit["amount"]),
        "Interest": f"{deposit['percent']} %",
        "Ends": str(deposit["matures"]),
        "Status": deposit["status"],
        "Penalty": _figures(_penalty(deposit)),
    }


def _known(context: CallContext) -> Row:
    means = {1: "balances, spending and cards", 2: "everything"}
    return {"identity": {"Verified": True, "Level": context.level, "Good for": means.get(context.level, "everything")}}


def _masked(last_four: str) -> str:
    return f"•••• {last_four}"


def _figures(amount: Decimal | str) -> str:
    return f"${Decimal(amount):,.2f}"


def _percent(text: str) -> str:
    """ "3.90" as "three point nine"."""
    whole, _, places = text.rstrip("0").rstrip(".").partition(".")
    return f"{cardinal(int(whole))}{f' point {digits(places)}' if places else ''}"


def _short(text: str) -> str:
    on = date.fromisoformat(text)
    return f"{on:%b} {on.day}"


def _day(text: str, today: date) -> str:
    return day(date.fromisoformat(str(text)[:10]), "en", today)
