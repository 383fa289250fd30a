"""What the front desk of Bellweather Bikes can do. The data lies in data/."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from parley.diary import Diary
from parley.text import telling
from parley.text.days import WEEKDAYS
from parley.text.opening_hours import OpeningHours
from parley.text.spoken import words_to_digits
from parley.tooling import CallContext, HangUp, Question, Records, Result, ToolError, Transfer, tool

Service = Literal["repair", "tune up", "full service", "bike fitting", "test ride"]
Zone = Literal["shop", "my time", "eastern", "central", "mountain", "arizona", "pacific", "alaska", "hawaii"]
ZONES = {
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "arizona": "America/Phoenix", "pacific": "America/Los_Angeles", "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
}  # fmt: skip


@tool(slow=True)
async def check_order_status(order_number: str, context: CallContext) -> Result:
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
    today = (await _now(context.records, context)).date()
    days = {key.removesuffix("_days"): today + timedelta(n) for key, n in order.items() if key.endswith("_days")}
    value = {
        "order_number": number,
        "status": order["status"],
        "items": order["items"],
        **{name: day.isoformat() for name, day in days.items()},
        "summary": f"Order {spoken_digits(number)}, {order['items']}, {_story(order['status'], days, today)}",
    }
    dates = {name.title(): f"{day:%A}, {day:%B} {day.day}" for name, day in days.items()}
    return Result(value, show={"order": {"Order": number, "What": order["items"], "Status": order["status"], **dates}})


@tool
async def get_business_hours(context: CallContext, day: str | None = None) -> dict[str, Any]:
    """When the shop and its workshop are open.

    Args:
        day: A weekday such as saturday, or today, tomorrow or weekend. Leave it out for the whole week.
    """
    by_day, now = await context.records.all("hours"), await _now(context.records, context)
    hours, names = OpeningHours(by_day), _days_asked(day, now.date())
    if not names:
        return {"hours": by_day, "summary": f"{hours.now(now)} {hours.week()}"}
    return {"hours": {name: by_day[name] for name in names}, "summary": " ".join(map(hours.on, names))}


async def _ask_to_schedule(
    service: Service, day: str, at: str, name: str, zone: Zone, context: CallContext
) -> Question:
    desk = await _desk(context.records, context)
    theirs = _zone_of(zone, desk.zone)
    start, before = desk.diary().nearest(desk.diary().wanted(day, at, theirs), desk.lasts(service))
    there = start.astimezone(theirs)
    also = f", which is {telling.clock(there.time())} {zone} time" if theirs != desk.zone else ""
    text = f"{before} Shall I book {desk.services[service]['said']} for {name} {_when(start)}{also}?".strip()
    return Question(text, {"day": there.date().isoformat(), "at": f"{there:%H:%M}"})


@tool(consequential=True, idempotent=True, confirm=_ask_to_schedule)
async def schedule_appointment(
    service: Service, day: str, at: str, name: str, context: CallContext, zone: Zone = "shop", notes: str = ""
) -> Result:
    """Book a time at the workshop or for a test ride. If it is not free, the nearest free time is proposed instead.

    Args:
        service: What it is for.
        day: The day as the caller said it, such as wednesday, tomorrow, next tuesday or march fourth.
        at: The time on a 24 hour clock, such as 09:30 or 15:00.
        name: The name it is for, as the caller gave it. Ask for it.
        zone: Only if the caller gives a time in another zone than the shop's. Ask which, if they say "my time".
        notes: What is wrong with the bike or what the caller wishes, in a few words.
    """
    async with context.records.transaction() as records:
        desk = await _desk(records, context)
        if (number := await records.added("appointments")) and (row := await records.get("appointments", number)):
            return _booked(number, row, desk, "You are booked in")  # the same intent, done again
        start = desk.diary().wanted(day, at, _zone_of(zone, desk.zone))
        desk.diary().admit(start, desk.lasts(service))
        customer = await records.get("customers", context.customer) if context.customer else None
        phone = (customer or {}).get("phone") or (context.caller if context.caller.startswith("+") else "")
        row = {**_place(start), "service": service, "name": name, "phone": phone, "notes": notes, "status": "booked"}
        number = await records.add("appointments", row)
    return _booked(number, row, desk, "You are booked in")


async def _ask_to_cancel(context: CallContext, confirmation_number: str) -> Question:
    desk = await _desk(context.records, context)
    number, row = await _appointment(context.records, confirmation_number, context, desk)
    return Question(
        f"Shall I cancel the {row['service']} {_when(desk.start_of(row))}?", {"confirmation_number": number}
    )


@tool(consequential=True, idempotent=True, confirm=_ask_to_cancel)
async def cancel_appointment(context: CallContext, confirmation_number: str = "") -> Result:
    """Cancel an appointment. It costs nothing.

    Args:
        confirmation_number: The six digits given at the booking, such as 482190. Ask for them; leave it out only when
            the caller does not have them.
    """
    async with context.records.transaction() as records:
        desk = await _desk(records, context)
        number, row = await _appointment(records, confirmation_number, context, desk, cancelled=True)
        start, gone = desk.start_of(row), {**row, "status": "cancelled"}
        await records.put("appointments", number, gone)
    summary = f"Your appointment {_when(start)} is cancelled."
    value = {"confirmation_number": number, "status": "cancelled", "summary": summary}
    return Result(value, show={"appointment": _card(number, gone, start)})


async def _ask_to_move(confirmation_number: str, day: str, at: str, context: CallContext) -> Question:
    desk = await _desk(context.records, context)
    number, row = await _appointment(context.records, confirmation_number, context, desk)
    old = desk.start_of(row)
    wanted = desk.diary().wanted(day or old.date().isoformat(), at or f"{old:%H:%M}")
    start, before = desk.diary(but=number).nearest(wanted, desk.lasts(row["service"]))
    moved = f"from {_when(old).removeprefix('on ')} to {_when(start).removeprefix('on ')}"
    text = f"{before} Shall I move the {row['service']} {moved}?".strip()
    return Question(text, {"confirmation_number": number, "day": start.date().isoformat(), "at": f"{start:%H:%M}"})


@tool(consequential=True, idempotent=True, confirm=_ask_to_move)
async def reschedule_appointment(
    context: CallContext, confirmation_number: str = "", day: str = "", at: str = ""
) -> Result:
    """Move an appointment to another time. If that is not free, the nearest free time is proposed instead.

    Args:
        confirmation_number: The six digits given at the booking, such as 482190. Ask for them; leave it out only when
            the caller does not have them.
        day: The new day as the caller said it, such as thursday or next tuesday. Leave it out for the same day.
        at: The new time on a 24 hour clock, such as 09:30. Leave it out for the same time of the day.
    """
    async with context.records.transaction() as records:
        desk = await _desk(records, context)
        number, row = await _appointment(records, confirmation_number, context, desk)
        old = desk.start_of(row)
        start = desk.diary().wanted(day or old.date().isoformat(), at or f"{old:%H:%M}")
        desk.diary(but=number).admit(start, desk.lasts(row["service"]))
        row = {name: value for name, value in row.items() if name not in ("open_days", "time")} | _place(start)
        await records.put("appointments", number, row)
    return _booked(number, row, desk, "Your appointment is now")


@tool(level=1)
async def look_up_account(context: CallContext) -> Result:
    """The caller's own customer account: points, orders, next appointment."""
    account = await context.records.get("customers", context.customer)
    if account is None:
        raise ToolError("I can not find your account any more. A colleague can help you with it.")
    desk = await _desk(context.records, context)
    coming = await _coming(context.records, account, desk)
    orders = telling.value(list(map(spoken_digits, account["orders"])))
    has = (
        f"Your {'orders are' if len(account['orders']) > 1 else 'order is'} {orders}."
        if orders
        else "It has no orders."
    )
    then = f"Your next appointment is {_when(coming[0][0])}." if coming else "You have no appointment at the moment."
    summary = f"Your account was opened in {account['since']} and has {account['points']} points. {has} {then}"
    return Result({"points": account["points"], "orders": account["orders"], "summary": summary})


@tool(effects=True, idempotent=True)
async def collect_feedback(score: int, context: CallContext, words: str = "") -> str:
    """Write down how content the caller is. Use it only when they wish to give feedback; do not press them.

    Args:
        score: From 1, very bad, to 5, very good, as the caller said it.
        words: What was good or bad, in the caller's words.
    """
    if not 1 <= score <= 5:
        raise ToolError("The score goes from one, very bad, to five, very good. Which number would you give?")
    await context.records.add("feedback", {"score": score, "words": words[:1000], "at": context.now.isoformat()})
    thanks = "Thank you, I have written that down."
    return thanks if score > 2 else f"{thanks} I am sorry that it was not better."


@tool(effects=True, idempotent=True)
async def transfer_to_human(context: CallContext, reason: str = "the caller asked for a person") -> Result:
    """Connect the caller to a colleague. Use it when the caller asks for a person, or when you can not help.

    Args:
        reason: Why the caller is transferred, in a few words.
    """
    if not context.transfer_to:
        raise ToolError("There is nobody I can connect you to right now. Please call again during opening hours.")
    place, minutes = await _join_queue(context)
    wait = f"about {telling.cardinal(minutes)} minute{'s' * (minutes != 1)}" if minutes else "none that I know of"
    first = f"You are number {telling.cardinal(place)} in line, and it may take {wait}."
    told = first if place else "One moment please."
    summary = f"I am connecting you to a colleague now. {told}"
    value = {"transferred": True, "place_in_line": place, "minutes": minutes, "summary": summary}
    card = {"Place in line": place or "next", "Expected wait": wait}
    return Result(value, then=Transfer(context.transfer_to, reason), show={"queue": card})


@tool(effects=True, idempotent=True)
def end_call(reason: str = "the caller said goodbye") -> Result:
    """Hang up. Use it when the caller said goodbye or has nothing more to ask; say a short goodbye with it.

    Args:
        reason: Why the call ends, in a few words.
    """
    return Result({"ended": True, "summary": "Thank you for calling Bellweather Bikes. Goodbye."}, then=HangUp(reason))


@dataclass(frozen=True)
class Desk:
    """The workshop's counter, which takes one caller at a time, and who is expected there."""

    zone: tzinfo
    now: datetime
    hours: OpeningHours
    rules: dict[str, int]
    services: dict[str, dict[str, Any]]
    expected: dict[str, dict[str, Any]]

    def diary(self, but: str = "") -> Diary:
        """`but`: the appointment that would be moved is in nobody's way."""
        spans = [
            (begin, begin + timedelta(minutes=self.lasts(row["service"])))
            for number, row in self.expected.items()
            if number != but and (begin := self.start_of(row).astimezone(UTC))
        ]
        return Diary(self.hours, self.zone, self.now, spans, **self.rules)

    def lasts(self, service: str) -> int:
        """Minutes."""
        return int(self.services[service]["minutes"])

    def start_of(self, row: dict[str, Any]) -> datetime:
        if "start" in row:
            return datetime.fromisoformat(row["start"]).astimezone(self.zone)
        day = self.hours.opened(self.now.date(), row["open_days"])
        return datetime.combine(day, time.fromisoformat(row["time"]), self.zone)


async def _desk(records: Records, context: CallContext) -> Desk:
    rules, now = await records.get("shop", "appointments") or {}, await _now(records, context)
    hours, services = OpeningHours(await records.all("hours")), await records.all("services")
    months = {f"{now + timedelta(ahead):%Y-%m}" for ahead in range(-1, rules["ahead_days"] + 2)}
    expected: dict[str, dict[str, Any]] = {}
    for month in ("", *sorted(months)):  # "": the samples
        expected |= await records.find("appointments", month=month, status="booked")
    assert now.tzinfo is not None
    return Desk(now.tzinfo, now, hours, {n: v for n, v in rules.items() if n != "zone"}, services, expected)


async def _now(records: Records, context: CallContext) -> datetime:
    """In the shop's zone."""
    rules = await records.get("shop", "appointments") or {}
    return context.now.astimezone(ZoneInfo(rules["zone"])) if "zone" in rules else context.now


def _zone_of(zone: str, shop: tzinfo) -> tzinfo:
    if zone == "my time":
        raise ToolError("Which time zone are you in: eastern, central, mountain or pacific?")
    return ZoneInfo(ZONES[zone]) if zone in ZONES else shop


async def _appointment(
    records: Records, said: str, context: CallContext, desk: Desk, cancelled: bool = False
) -> tuple[str, dict[str, Any]]:
    """By its number, or the next one of a caller who has proven who they are. Raises ToolError: none to be changed."""
    number = re.sub(r"\D", "", said) or words_to_digits(said)
    if not number and (account := await records.get("customers", context.customer or "-")):
        number = next((key for _, key in await _coming(records, account, desk)), "")
    if not number:
        raise ToolError("I need the confirmation number for that. It has six digits. What is it?")
    row = await records.get("appointments", number)
    if row is None:
        raise ToolError(f"I can not find an appointment {spoken_digits(number)}. Please read me the number once more.")
    if row["status"] == "cancelled" and not cancelled:
        raise ToolError("That appointment is cancelled already. I can book you a new one.")
    if desk.start_of(row) <= desk.now:
        raise ToolError("That appointment is over, so I can not change it any more.")
    return number, row


async def _coming(records: Records, account: dict[str, Any], desk: Desk) -> list[tuple[datetime, str]]:
    """An account's appointments that are still to come, the next one first."""
    mine = await records.find("appointments", phone=account["phone"], status="booked")
    return sorted((start, number) for number, row in mine.items() if (start := desk.start_of(row)) > desk.now)


def _place(start: datetime) -> dict[str, str]:
    return {"start": start.astimezone(UTC).isoformat(), "month": f"{start:%Y-%m}"}


def _booked(number: str, row: dict[str, Any], desk: Desk, lead: str) -> Result:
    start = desk.start_of(row)
    summary = f"{lead} {_when(start)}. Your confirmation number is {spoken_digits(number)}."
    value = {"confirmation_number": number, "start": start.isoformat(), "service": row["service"], "summary": summary}
    return Result(value, show={"appointment": _card(number, row, start)})


def _card(number: str, row: dict[str, Any], start: datetime) -> dict[str, str]:
    when = f"{start:%a}, {start:%B} {start.day}, {start.hour % 12 or 12}:{start:%M %p}"
    return {"Number": number, "For": row["service"].capitalize(), "When": when, "Status": row["status"]}


def _when(start: datetime) -> str:
    return f"on {telling.day(start.date())} at {telling.clock(start.time())}"


async def _join_queue(context: CallContext) -> tuple[int, int]:
    """How many are to be served before a colleague is free for this call, itself included, and in how many minutes that
    is to be expected; 0: now. Who was connected keeps a colleague busy for as long as a call takes on average.
    """
    async with context.records.transaction() as records:
        people = await records.get("shop", "people") or {"colleagues": 1, "handling_min": 4}
        now, lasts = context.now.astimezone(UTC), timedelta(minutes=people["handling_min"])
        busy = []
        for call, row in (await records.all("queue")).items():
            until = datetime.fromisoformat(row["until"])
            if until <= now or call == context.call_id:
                await records.delete("queue", call)
            else:
                busy.append(until)
        busy.sort()
        before = max(0, len(busy) - people["colleagues"] + 1)
        start = busy[-people["colleagues"]] if before else now
        await records.put("queue", context.call_id, {"until": (start + lasts).isoformat()})
    return before, -(-int((start - now).total_seconds()) // 60)


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
        return list(WEEKDAYS[5:])
    for word, ahead in (("today", 0), ("now", 0), ("tonight", 0), ("day after tomorrow", 2), ("tomorrow", 1)):
        if word in text:
            return [WEEKDAYS[(today.weekday() + ahead) % 7]]
    named = [name for name in WEEKDAYS if name in text]
    if not named:
        raise ToolError("I know the opening hours of each weekday. Which day of the week do you mean?")
    return named


def spoken_digits(number: str) -> str:
    return telling.digits(number)


def spoken_day(day: date, today: date) -> str:
    """Near days by name, others as "on Monday, November twenty third"."""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((day - today).days)
    return near or f"on {telling.day(day)}"


def spoken_time(clock: str) -> str:
    """ "17:30" as "half past five in the afternoon"."""
    return telling.clock(time.fromisoformat(clock))
