"""What the support line of Copperleaf can do. Orders, checks, technicians, refunds and visits lie in its records."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from parley.text.telling import cardinal, clock, day, digits, money, value
from parley.tooling import CallContext, HangUp, Records, Result, Secret, ToolError, Transfer, tool

Window = Literal["morning", "afternoon"]
Day = Literal[
    "today", "tomorrow", "day after tomorrow",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
]  # fmt: skip
Reason = Literal["late", "damaged", "faulty", "not wanted"]

HOURS: dict[str, tuple[time, time]] = {"morning": (time(8), time(12)), "afternoon": (time(13), time(17))}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
REFUND_DAYS = 30
WARRANTY_DAYS = 730
VISIT_FEE = Decimal(79)
AHEAD_DAYS = 7
STEP_S = 0.9  # what one check takes
NO_FUNDS = "4000000000000002"  # the made-up acquirer's card that is always declined
OFFERED = 3  # windows that are told in words


@tool(slow=True)
async def get_order_status(order_number: str, context: CallContext) -> Result:
    """Look up an order: what it is, where it is, when it was promised and when it will come, whether it was refunded.

    Args:
        order_number: The five digits of the order number, such as 41203.
    """
    number, order = await _order(context.records, order_number)
    today = context.now.date()
    refund = await _refund_of(context.records, number)
    visit = await _visit_of(context.records, number, today)
    story, late = _story(order, today), _is_late(order)
    if refund is not None:
        key, row = refund
        story = f"was refunded {_on(_date(row, 'day', today), today)}. The confirmation is {digits(key)}."
    if visit is not None:
        story += f" A technician comes {_when(visit[1], today)}."
    offer: dict[str, Any] = {}
    if late and refund is None:
        story += " Shall I find out what is holding it up?"
        offer = {"offers": {"tool": "run_diagnostics", "arguments": {"order_number": number}}}
    elif (owed := _owed(order, visit)) and refund is None:
        story += f" {money(owed).capitalize()} are not paid yet. Would you like to pay by card now?"
        offer = {"offers": {"tool": "pay_by_card", "arguments": {"order_number": number}}}
    found = {"order_number": number, "item": order["item"], "stage": order["stage"], "late": late, **offer}
    summary = f"Order {digits(number)}, {order['item']}, {story}"
    return Result({**found, "summary": summary}, show={"order": _order_card(number, order, refund, today)})


@tool(slow=True, limit_s=20)
async def run_diagnostics(order_number: str, context: CallContext) -> Result:
    """Run five checks on an order. Of one that has not arrived: what is holding it up. Of an appliance that was
    delivered and is connected: what is wrong with it. Takes some seconds; the caller sees each check on the page.

    Args:
        order_number: The five digits of the order number, such as 41203.
    """
    number, order = await _order(context.records, order_number)
    arrived = order["stage"] == "delivered"
    if order["stage"] == "cancelled":
        raise ToolError(f"Order {digits(number)} was cancelled, so there is nothing to check.")
    plan = await context.records.get("checks", order["kind"] if arrived else "delivery")
    facts = await context.records.get("appliances", number) if arrived else order
    if plan is None or facts is None:
        raise ToolError(f"The {_thing(order)} is not connected, so I can not check it from here. A colleague can help.")
    steps = [{"title": step["title"], "state": "waiting"} for step in plan["steps"]]
    context.show("checks", {"steps": steps})
    wrong: list[str] = []
    for n, (step, shown) in enumerate(zip(plan["steps"], steps, strict=True)):
        if n in (0, 3):
            context.progress(f"I am checking {_names(plan['steps'][n : n + (3 if n == 0 else 2)])}.")
        shown["state"] = "running"
        context.show("checks", {"steps": steps})
        await asyncio.sleep(STEP_S)
        if arrived and not facts["online"]:
            shown |= {"state": "failed", "detail": "no answer"}
            context.show("checks", {"steps": steps})
            raise ToolError(
                f"The {_thing(order)} does not answer. Please see that it is plugged in and on your network."
            )
        good = _good(step, facts)
        shown |= {"state": "waiting", "detail": "not yet"} if good is None else {"state": "done" if good else "failed"}
        if good is False:
            wrong.append(step["wrong"])
            shown["detail"] = _upper(step["wrong"])
        context.show("checks", {"steps": steps})
    found = {"order_number": number, "checks": steps, "wrong": wrong, **_next(number, order, wrong)}
    return Result({**found, "summary": _findings(order, wrong)}, show={"checks": {"steps": steps, "percent": 100}})


async def _refund_question(order_number: str, context: CallContext, reason: str = "not wanted") -> str:
    number, order = await _order(context.records, order_number)
    amount = await _refundable(context.records, number, order, reason, context.now.date())
    pickup = "We would pick it up from you. " if order["stage"] == "delivered" else ""
    return f"{pickup}Shall I refund {money(amount)} for order {digits(number)}, {order['item']}, the way you paid?"


@tool(consequential=True, idempotent=True, confirm=_refund_question)
async def initiate_refund(order_number: str, context: CallContext, reason: Reason = "not wanted") -> Result:
    """Give the money for a whole order back, the way it was paid. Use it when the caller wants their money back, or
    wants to cancel or return an order. The caller is asked for a yes by itself.

    Args:
        order_number: The five digits of the order number, such as 41203.
        reason: Why: late, damaged, faulty, or not wanted.
    """
    today = context.now.date()
    async with context.records.transaction() as records:
        number, order = await _order(records, order_number)
        if (key := await records.added("refunds")) is None:
            amount = await _refundable(records, number, order, reason, today)
            row = {"order": number, "amount": amount, "reason": reason, "day": today}
            key = await records.add("refunds", row, kind="letters")
        paid = Decimal(str((await records.get("refunds", key) or {})["amount"]))
    card = {
        "Order": number,
        "Amount": f"${paid:,.2f}",
        "Reason": reason,
        "Confirmation": key,
        "Arrives": "in 3 to 5 days",
    }
    summary = (
        f"{money(paid).capitalize()} are on their way back to you. That takes three to five working days. "
        f"Your confirmation is {digits(key)}."
    )
    return Result(
        {"confirmation": key, "amount": str(paid), "summary": summary},
        show={"refund": card, "order": _order_card(number, order, (key, {"day": today.isoformat()}), today)},
    )


@tool
async def get_visit_times(order_number: str, context: CallContext, day: Day | None = None) -> Result:
    """When a technician could come to repair what came with an order: the free windows of the next seven days. Use it
    before schedule_technician, and when the caller asks when somebody could come.

    Args:
        order_number: The five digits of the order number, such as 41203.
        day: Only of this day. Leave it out for the whole week.
    """
    number, order = await _order(context.records, order_number)
    today = _visiting_day(context.now)
    _repairable(number, order)
    free = await _free(context.records, order, today)
    asked = _date_of(day, today) if day else None
    chosen = [each for each in free if asked in (None, each[0])]
    if not free:
        raise ToolError("In the next seven days everybody is booked. A colleague can look further ahead.")
    lead = "" if chosen or asked is None else f"{_on(asked, today).capitalize()} nobody is free. "
    summary = f"{lead}A technician could come {_either((chosen or free)[:OFFERED], today)}. Which suits you?"
    rows = [{"title": f"{on:%A, %B} {on.day}", "detail": _hours(window)} for on, window in free[:10]]
    free_now = [{"day": on.isoformat(), "weekday": WEEKDAYS[on.weekday()], "window": window} for on, window in free]
    return Result({"order_number": number, "free": free_now, "summary": summary}, show={"times": rows})


async def _visit_question(order_number: str, day: str, window: str, context: CallContext) -> str:
    number, order = await _order(context.records, order_number)
    today = _visiting_day(context.now)
    on = _date_of(day, today)
    _repairable(number, order)
    before = await _visit_of(context.records, number, today)
    await _technician(context.records, order, on, window, today, number)
    fee = _fee(order)
    costs = f"That costs {money(fee)}. " if fee else ""
    if before is not None:
        return f"Shall I move your visit to {_window(on, window, today, '')}, instead of {_when(before[1], today, '')}?"
    return f"{costs}Shall I send a technician for your {_thing(order)} {_window(on, window, today)}?"


@tool(consequential=True, idempotent=True, confirm=_visit_question)
async def schedule_technician(order_number: str, day: Day, window: Window, context: CallContext) -> Result:
    """Book a technician's visit for what came with an order, or move the one that is booked. Free windows are told by
    get_visit_times. The caller is asked for a yes by itself.

    Args:
        order_number: The five digits of the order number, such as 41203.
        day: The day of the visit, within the next seven days.
        window: morning is eight to twelve, afternoon is one to five.
    """
    today = _visiting_day(context.now)
    on = _date_of(day, today)
    async with context.records.transaction() as records:
        number, order = await _order(records, order_number)
        if (key := await records.added("visits")) is None:
            _repairable(number, order)
            before = await _visit_of(records, number, today)
            who, technician = await _technician(records, order, on, window, today, number)
            row = {"order": number, "day": on, "window": window, "technician": who, "name": technician["name"]}
            row |= {"fee": _fee(order)}
            if before is not None:
                await records.put("visits", key := before[0], row)
            else:
                key = await records.add("visits", row, kind="letters")
        visit = await records.get("visits", key) or {}
    summary = f"{visit['name']} comes {_when(visit, today)}. Your confirmation is {digits(key)}."
    card = {"Order": number, "Technician": visit["name"], "Day": f"{on:%A, %B} {on.day}", "Between": _hours(window)}
    card |= {"Costs": f"${_fee(order)}" if _fee(order) else "nothing, under warranty", "Confirmation": key}
    return Result({"confirmation": key, "day": visit["day"], "summary": summary}, show={"visit": card, "times": None})


async def _payment_question(order_number: str, context: CallContext) -> str:
    number, order = await _order(context.records, order_number)
    owed, _, what = await _bill(context.records, number, order, context.now.date())
    return f"Shall I charge {money(owed)} to your card, for {what}?"


@tool(consequential=True, idempotent=True, confirm=_payment_question)
async def pay_by_card(
    order_number: str, card: Annotated[str, Secret("card")], code: Annotated[str, Secret("code")], context: CallContext
) -> Result:
    """Take a payment by card for what is open: an order that is not paid, or a technician's visit that costs. Ask for
    the card's number first, then for its security code. The caller is asked for a yes by itself.

    Args:
        order_number: The five digits of the order number, such as 41203.
        card: The card to be charged.
        code: Its security code.
    """
    async with context.records.transaction() as records:
        number, order = await _order(records, order_number)
        if (key := await records.added("charges")) is None:
            owed, visit, what = await _bill(records, number, order, context.now.date())
            key = await _charge(records, card, code, {"order": number, "amount": owed, "for": what})
            if visit is None:
                await records.put("orders", number, {**order, "payment": "cleared"})
            else:
                await records.put("visits", visit[0], {**visit[1], "paid": key})
        charged = await records.get("charges", key) or {}
    paid = Decimal(str(charged["amount"]))
    shown = {"Order": number, "For": _upper(charged["for"]), "Amount": f"${paid:,.2f}"}
    shown |= {"Card": f"ending in {charged['ending']}", "Confirmation": key}
    summary = f"{money(paid).capitalize()} were charged to your card. Your confirmation is {digits(key)}."
    return Result({"confirmation": key, "amount": str(paid), "summary": summary}, show={"payment": shown})


@tool(effects=True, idempotent=True)
def transfer_to_human(context: CallContext, reason: str = "the caller asked for a person") -> Result:
    """Connect the caller to a colleague. Use it when the caller asks for a person, or when you can not help.

    Args:
        reason: Why the caller is transferred, in a few words.
    """
    if not context.transfer_to:
        raise ToolError("There is nobody I can connect you to right now. Please call again during opening hours.")
    return Result(
        {"transferred": True, "summary": "I am connecting you to a colleague now. One moment please."},
        then=Transfer(context.transfer_to, reason),
    )


@tool(effects=True, idempotent=True)
def end_call(reason: str = "the caller said goodbye") -> Result:
    """Hang up. Use it when the caller said goodbye or has nothing more to ask; say a short goodbye with it.

    Args:
        reason: Why the call ends, in a few words.
    """
    return Result({"ended": True, "summary": "Thank you for calling Copperleaf. Goodbye."}, then=HangUp(reason))


async def _order(records: Records, said: str) -> tuple[str, dict[str, Any]]:
    number = re.sub(r"[\s#.,-]", "", said)
    if not re.fullmatch(r"[0-9]{5}", number):
        raise ToolError("An order number has exactly five digits. Please read me all five once more.")
    if (order := await records.get("orders", number)) is None:
        raise ToolError(f"I can not find an order {digits(number)}. Please check the number and read it again.")
    return number, order


async def _refund_of(records: Records, number: str) -> tuple[str, dict[str, Any]] | None:
    return next(iter((await records.find("refunds", order=number)).items()), None)


async def _refundable(records: Records, number: str, order: Mapping[str, Any], reason: str, today: date) -> Decimal:
    """What may be given back. Raises ToolError."""
    if (done := await _refund_of(records, number)) is not None:
        told = f"{_on(_date(done[1], 'day', today), today)}, with the confirmation {digits(done[0])}"
        raise ToolError(f"Order {digits(number)} was refunded already, {told}.")
    if order["stage"] == "delivered" and (days := -order["delivered_days"]) > REFUND_DAYS:
        raise ToolError(
            f"Order {digits(number)} was delivered {days if days > 99 else cardinal(days)} days ago. We refund within "
            "thirty days. If it does not work, a technician can come."
        )
    if reason == "late" and not _is_late(order):
        raise ToolError(
            f"Order {digits(number)} is not late: it {_story(order, today)} It can be returned all the same."
        )
    return Decimal(order["price"])


def _owed(order: Mapping[str, Any], visit: tuple[str, Mapping[str, Any]] | None) -> Decimal:
    """What is to be paid now: the order, else the visit that is booked for it; 0: nothing."""
    if order.get("payment") == "pending":
        return Decimal(order["price"])
    return Decimal(str(visit[1].get("fee", 0))) if visit is not None and "paid" not in visit[1] else Decimal(0)


async def _bill(
    records: Records, number: str, order: Mapping[str, Any], today: date
) -> tuple[Decimal, tuple[str, dict[str, Any]] | None, str]:
    """What is owed, for which visit (None: for the order), and that in words. Raises ToolError."""
    visit = await _visit_of(records, number, today)
    if not (owed := _owed(order, visit)):
        raise ToolError(f"Nothing is open for order {digits(number)}: there is nothing to pay.")
    if order.get("payment") == "pending":
        return owed, None, f"order {digits(number)}, {order['item']}"
    return owed, visit, f"the technician's visit for your {_thing(order)}"


async def _charge(records: Records, card: str, code: str, row: Mapping[str, Any]) -> str:
    """The made-up acquirer: it takes all cards but NO_FUNDS, and keeps no more than their last four digits. Once for an
    intent, by the key of `Records.add`; a real one is handed `CallContext.idempotency_key`. Raises ToolError."""
    if len(code) != (4 if card.startswith(("34", "37")) else 3):
        raise ToolError("That security code does not belong to this card. Please give me the code once more.")
    if card == NO_FUNDS:
        raise ToolError("The card was declined. Another card may work.")
    return await records.add("charges", {**row, "ending": card[-4:]}, kind="letters")


def _repairable(number: str, order: Mapping[str, Any]) -> None:
    """Raises ToolError."""
    if order["stage"] != "delivered":
        raise ToolError(f"Order {digits(number)}, {order['item']}, has not arrived yet, so nobody can repair it.")
    if not _is_repaired(order):
        raise ToolError(f"A {_thing(order)} is not repaired at home: we send another one. A colleague arranges that.")


async def _free(records: Records, order: Mapping[str, Any], today: date, but: str = "") -> list[tuple[date, str]]:
    """Windows in which a technician for it is free, the soonest first; the visit of the order `but` does not count."""
    able = _able(await records.all("technicians"), order)
    taken = _taken(await records.all("visits"), but)
    days = [today + timedelta(n) for n in range(1, AHEAD_DAYS + 1)]
    return [(on, w) for on in days for w in HOURS if any(_works(t, on, w, taken, key) for key, t in able.items())]


async def _technician(
    records: Records, order: Mapping[str, Any], on: date, window: str, today: date, number: str
) -> tuple[str, dict[str, Any]]:
    """Who comes then. Raises ToolError that names what is free instead."""
    if not 1 <= (on - today).days <= AHEAD_DAYS:
        raise ToolError("The earliest visit is tomorrow. Which day suits you?")
    taken = _taken(await records.all("visits"), number)
    for key, technician in _able(await records.all("technicians"), order).items():
        if _works(technician, on, window, taken, key):
            return key, technician
    free = await _free(records, order, today, number)
    if not free:
        raise ToolError("In the next seven days everybody is booked. A colleague can look further ahead.")
    same = [each for each in free if each[0] == on] + [each for each in free if each[0] != on]
    taken_now = f"Nobody is free {_window(on, window, today)}"
    raise ToolError(f"{taken_now}. Somebody could come {_either(same[:2], today)}. Which suits you?")


def _able(technicians: Mapping[str, dict[str, Any]], order: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {k: t for k, t in technicians.items() if t["area"] == order["area"] and order["kind"] in t["skills"]}


def _taken(visits: Mapping[str, Mapping[str, Any]], but: str) -> set[tuple[str, str, str]]:
    return {(v["technician"], v["day"], v["window"]) for v in visits.values() if v["order"] != but}


def _works(technician: Mapping[str, Any], on: date, window: str, taken: set[tuple[str, str, str]], key: str) -> bool:
    return window in technician["week"].get(WEEKDAYS[on.weekday()], ()) and (key, on.isoformat(), window) not in taken


async def _visit_of(records: Records, number: str, today: date) -> tuple[str, dict[str, Any]] | None:
    """The visit that is still to come."""
    found = (await records.find("visits", order=number)).items()
    return next((each for each in found if each[1]["day"] >= today.isoformat()), None)


def _fee(order: Mapping[str, Any]) -> Decimal:
    return Decimal(0) if -order["delivered_days"] <= WARRANTY_DAYS else VISIT_FEE


def _good(step: Mapping[str, Any], facts: Mapping[str, Any]) -> bool | None:
    """None: it can not be told yet."""
    found = facts.get(step["field"])
    if found is None:
        return None
    if "is" in step:
        return bool(found == step["is"])
    return bool(step.get("least", found) <= found <= step.get("most", found))


def _next(number: str, order: Mapping[str, Any], wrong: list[str]) -> dict[str, Any]:
    """What `_findings` asks."""
    if order["stage"] == "delivered" and wrong and _is_repaired(order):
        return {"offers": {"tool": "get_visit_times", "arguments": {"order_number": number}}}
    if _is_late(order):
        return {"offers": {"tool": "initiate_refund", "arguments": {"order_number": number, "reason": "late"}}}
    return {}


def _findings(order: Mapping[str, Any], wrong: list[str]) -> str:
    asks = ""
    if _is_late(order):
        asks = " You can wait for it, or have your money back. Would you like your money back?"
    elif wrong and order["stage"] == "delivered":
        at_home = " Shall I look when a technician could come?"
        asks = at_home if _is_repaired(order) else " A colleague can send you another one."
    if not wrong:
        return f"All five checks are fine.{asks}"
    many = "One is" if len(wrong) == 1 else f"{cardinal(len(wrong)).capitalize()} are"
    return f"I have run five checks. {many} not fine: {value(wrong)}.{asks}"


def _is_repaired(order: Mapping[str, Any]) -> bool:
    """At home; what is small is exchanged."""
    return order["kind"] in ("dishwasher", "washing machine", "dryer", "fridge", "oven")


def _story(order: Mapping[str, Any], today: date) -> str:
    """The rest of the sentence that starts with the order and its item."""
    promised = _on(today + timedelta(order["promised_days"]), today)
    match order["stage"]:
        case "delivered":
            return f"was delivered {_on(today + timedelta(order['delivered_days']), today)}."
        case "cancelled":
            return "was cancelled, as we could not deliver it."
    if _is_late(order):
        comes = _on(today + timedelta(order["expected_days"]), today)
        return f"was promised for {promised.removeprefix('on ')} and is late: {order['why']}. It should arrive {comes}."
    where = {"placed": "is being prepared", "packed": "is packed", "shipped": "is on its way"}[order["stage"]]
    return f"{where}. It should arrive {promised}."


def _is_late(order: Mapping[str, Any]) -> bool:
    return order["stage"] not in ("delivered", "cancelled") and order["promised_days"] < 0


def _order_card(
    number: str, order: Mapping[str, Any], refund: tuple[str, Mapping[str, Any]] | None, today: date
) -> dict[str, Any]:
    def shown(name: str) -> str:
        on = today + timedelta(order[name])
        return f"{on:%a, %b} {on.day}"

    stage = "late" if _is_late(order) else order["stage"]
    card = {"Order": number, "Item": _upper(order["item"]), "State": "refunded" if refund else stage}
    card |= {"Promised": shown("promised_days")}
    for label, name in (("Expected", "expected_days"), ("Delivered", "delivered_days")):
        card |= {label: shown(name)} if name in order and not refund else {}
    return card | {"Price": f"${Decimal(order['price']):,.2f}"}


def _thing(order: Mapping[str, Any]) -> str:
    """ "Halden dishwasher" of "a Halden dishwasher"."""
    return re.sub(r"^an? ", "", order["item"])


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _names(steps: list[Mapping[str, Any]]) -> str:
    return value([f"the {step['title'].lower()}" for step in steps])


def _visiting_day(now: datetime) -> date:
    """What visits are counted from: the night belongs to the day before, so that no midnight falls between the question
    and the yes."""
    return (now - timedelta(hours=4)).date()


def _date_of(said: str, today: date) -> date:
    """The next such day; a weekday is never today."""
    near = {"today": 0, "tomorrow": 1, "day after tomorrow": 2}
    if said in near:
        return today + timedelta(near[said])
    return today + timedelta((WEEKDAYS.index(said) - today.weekday() - 1) % 7 + 1)


def _date(row: Mapping[str, Any], name: str, today: date) -> date:
    """Of a row that a tool wrote, or of a sample."""
    return date.fromisoformat(row[name]) if name in row else today + timedelta(row[f"{name}_days"])


def _on(on: date, today: date) -> str:
    """Near days by name, others as "on Monday, November twenty third"."""
    return {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((on - today).days) or f"on {day(on, 'en', today)}"


def _window(on: date, window: str, today: date, lead: str = "on ") -> str:
    named = "tomorrow" if (on - today).days == 1 else f"{lead}{day(on, 'en', today)}"
    return f"{named} in the {window}"


def _either(free: list[tuple[date, str]], today: date) -> str:
    return value([_window(*each, today) for each in free]).replace(" and ", " or ")


def _when(visit: Mapping[str, Any], today: date, lead: str = "on ") -> str:
    on = date.fromisoformat(visit["day"])
    begins, ends = (clock(at).rpartition(" in ")[0] or clock(at) for at in HOURS[visit["window"]])
    return f"{lead}{day(on, 'en', today)}, between {begins} and {ends}"


def _hours(window: str) -> str:
    return " to ".join(f"{at:%-I %p}" for at in HOURS[window])
