"""What the front desk of Bellweather Bikes can do. The data lies in data/."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from parley.tooling import CallContext, HangUp, Result, ToolError, Transfer, tool

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
SMALL = [*DIGITS, *TEENS]
TENS = ["", "", "twenty", "thirty", "forty", "fifty"]
UP_TO_TENTH = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
ORDINALS = [*UP_TO_TENTH, "eleventh", "twelfth", *(f"{teen}th" for teen in TEENS[3:]), "twentieth"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@tool(slow=True)
async def check_order_status(order_number: str, context: CallContext) -> dict[str, Any]:
    """Look up where an order is and when it arrives. Works for any order of the shop.

    Args:
        order_number: The four digits of the order number, such as 1234.
    """
    number = re.sub(r"[\s#.,-]", "", order_number)
    if not re.fullmatch(r"[0-9]{4}", number):
        raise ToolError("An order number has exactly four digits. Please read me all four digits once more.")
    order = await context.records.get("orders", number)
    if order is None:
        raise ToolError(f"I can not find an order {spoken_digits(number)}. Please check the number and read it again.")
    today = context.now.date()
    days = {key.removesuffix("_days"): today + timedelta(n) for key, n in order.items() if key.endswith("_days")}
    return {
        "order_number": number,
        "status": order["status"],
        "items": order["items"],
        **{name: day.isoformat() for name, day in days.items()},
        "summary": f"Order {spoken_digits(number)}, {order['items']}, {_story(order['status'], days, today)}",
    }


@tool
async def get_business_hours(context: CallContext, day: str | None = None) -> dict[str, Any]:
    """When the shop and its workshop are open.

    Args:
        day: A weekday such as saturday, or today, tomorrow or weekend. Leave it out for the whole week.
    """
    hours = await context.records.all("hours")
    names = _days_asked(day, context.now.date())
    if not names:
        return {"hours": hours, "summary": f"{_right_now(hours, context.now)} {_week(hours)}"}
    asked = {name: hours[name] for name in names}
    return {"hours": asked, "summary": " ".join(_on(name, span) for name, span in asked.items())}


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
    return Result({"ended": True, "summary": "Thank you for calling Bellweather Bikes. Goodbye."}, then=HangUp(reason))


def _story(status: str, days: dict[str, date], today: date) -> str:
    """The rest of the sentence that starts with the order and its items."""
    said = {name: spoken_day(day, today) for name, day in days.items()}
    match status:
        case "processing":
            return f"is being prepared. It should arrive {said['due']}."
        case "shipped":
            return f"was shipped {said['sent']}. It should arrive {said['due']}."
        case "delivered":
            return f"was delivered {said['due']}."
        case "ready":
            return f"is ready for pick up in the shop. We hold it until {said['hold'].removeprefix('on ')}."
        case "delayed":
            return f"is delayed, and we are sorry for that. It should now arrive {said['due']}."
        case "cancelled":
            return f"was cancelled {said['sent']}."
    return f"has the status {status}."


def _days_asked(day: str | None, today: date) -> list[str]:
    text = (day or "").casefold()
    if not text or "week" in text and "weekend" not in text:
        return []
    if "weekend" in text:
        return WEEKDAYS[5:]
    for word, ahead in (("today", 0), ("now", 0), ("tonight", 0), ("day after tomorrow", 2), ("tomorrow", 1)):
        if word in text:
            return [WEEKDAYS[(today.weekday() + ahead) % 7]]
    named = [name for name in WEEKDAYS if name in text]
    if not named:
        raise ToolError("I know the opening hours of each weekday. Which day of the week do you mean?")
    return named


def _right_now(hours: dict[str, dict[str, Any]], now: datetime) -> str:
    today = hours[WEEKDAYS[now.weekday()]]
    if today and time.fromisoformat(today["opens"]) <= now.time() < time.fromisoformat(today["closes"]):
        return f"Right now we are open, until {spoken_time(today['closes'])}."
    return "Right now we are closed."


def _on(name: str, hours: dict[str, Any]) -> str:
    if not hours:
        return f"We are closed on {name.title()}."
    return f"On {name.title()} we are open from {spoken_time(hours['opens'])} to {spoken_time(hours['closes'])}."


def _week(hours: dict[str, dict[str, Any]]) -> str:
    groups: dict[str, list[str]] = {}
    for name in WEEKDAYS:
        span = hours[name]
        words = f"from {_clock(span['opens'])} to {_clock(span['closes'])}" if span else ""
        groups.setdefault(words, []).append(name.title())
    closed = groups.pop("", [])
    opened = "; ".join(f"{_list(names)} {words}" for words, names in groups.items())
    return f"We are open {opened}." + (f" We are closed on {_list(closed)}." if closed else "")


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def spoken_digits(number: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in number)


def spoken_day(day: date, today: date) -> str:
    """Near days by name, others as "on Monday, November twenty third"."""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((day - today).days)
    return near or f"on {day:%A}, {day:%B} {_ordinal(day.day)}"


def _ordinal(n: int) -> str:
    if n <= 20:
        return ORDINALS[n - 1]
    return "thirtieth" if n == 30 else f"{TENS[n // 10]} {ORDINALS[n % 10 - 1]}"


def spoken_time(clock: str) -> str:
    """ "17:30" as "half past five in the afternoon"."""
    hour = time.fromisoformat(clock).hour
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    words = _clock(clock)
    return words if words == "noon" else f"{words} {part}"


def _clock(clock: str) -> str:
    at = time.fromisoformat(clock)
    hour = SMALL[(at.hour - 1) % 12 + 1]
    if at.minute == 0:
        return "noon" if at.hour == 12 else hour
    if at.minute == 30:
        return f"half past {hour}"
    if at.minute < 20:
        return f"{hour} {'oh ' if at.minute < 10 else ''}{SMALL[at.minute]}"
    return f"{hour} {TENS[at.minute // 10]} {SMALL[at.minute % 10]}".removesuffix(" zero")
