"""Values as they are told: a day, a time, a number that is read out. English and Spanish; pure.

In another language a day is said by its numbers, which a voice of that language reads.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from parley.text.answers.consent import base_of
from parley.text.spoken import spoken_digits

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS |= {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MESES = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
_DIAS = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]
_CIFRAS = ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"]
_NUMEROS = [
    "cero", "un", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "trece",
    "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiún", "veintidós",
    "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve",
]  # fmt: skip
_DECENAS = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
_HORAS = ["doce", "una", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once"]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_CODE = re.compile(r"(?=.*\d)[0-9A-Z]+(?:[ -][0-9A-Z]+)*")


def value(given: Any, language: str = "en", today: date | None = None) -> str:
    """An argument of a tool as it is told: `2026-12-01` as a day, `17:30` as a time, `K7F2` letter by letter, a list
    with "and"; other text and numbers as they are."""
    if isinstance(given, bool):
        return {"en": ("no", "yes"), "es": ("no", "sí")}.get(base_of(language), ("0", "1"))[given]
    if isinstance(given, list | tuple):
        told = [value(each, language, today) for each in given]
        also = {"en": " and ", "es": " y "}.get(base_of(language), ", ")
        return also.join(filter(None, (", ".join(told[:-1]), told[-1]))) if told else ""
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    if not isinstance(given, str):
        return str(given)
    if (moment := _moment(given)) is not None:
        joined = {"en": " at ", "es": " a "}.get(base_of(language), ", ")
        return f"{day(moment.date(), language, today)}{joined}{clock(moment.time(), language)}"
    if (found := date_of(given)) is not None:
        return day(found, language, today)
    if (at := time_of(given)) is not None:
        return clock(at, language)
    return digits(given, language) if _CODE.fullmatch(given) else given


def date_of(text: str) -> date | None:
    """The day of `2026-12-01`."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def time_of(text: str) -> time | None:
    """The time of `17:30`."""
    return time.fromisoformat(text.zfill(5) if len(text) < 6 else text.zfill(8)) if _TIME.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def day(on: date, language: str = "en", today: date | None = None) -> str:
    """ "Tuesday, December first"; the year only when it is not that of `today`."""
    year = "" if today is None or on.year == today.year else f", {on.year}"
    match base_of(language):
        case "en":
            return f"{_WEEKDAYS[on.weekday()]}, {_MONTHS[on.month - 1]} {ordinal(on.day)}{year}"
        case "es":
            first = "primero" if on.day == 1 else str(on.day)
            return f"el {_DIAS[on.weekday()]} {first} de {_MESES[on.month - 1]}{year and f' de {on.year}'}"
    return f"{on.day}. {on.month}.{f' {on.year}' if year else ''}"


def clock(at: time, language: str = "en") -> str:
    """ "half past five in the afternoon", "las cinco y media de la tarde"."""
    match base_of(language):
        case "en":
            return _english(at)
        case "es":
            return _spanish(at)
    return f"{at.hour}:{at.minute:02d}"


def digits(text: str, language: str = "en") -> str:
    """One by one: "one two three four", "k seven"."""
    if base_of(language) == "en":
        return spoken_digits(text)
    if base_of(language) == "es":
        return " ".join(_CIFRAS[int(c)] if c.isdecimal() and c.isascii() else c.lower() for c in text if c.isalnum())
    return " ".join(c for c in text if c.isalnum())


def cardinal(n: int) -> str:
    """English, from zero to below a million: "forty two", "one thousand two hundred and five"."""
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if n >= size:
            rest = n % size
            joint = " and " if 0 < rest < 100 else " "
            return f"{cardinal(n // size)} {name}{joint + cardinal(rest) if rest else ''}"
    if n < 20:
        return _UNITS[n]
    return _TENS[n // 10] if n % 10 == 0 else f"{_TENS[n // 10]} {_UNITS[n % 10]}"


def spanish(n: int) -> str:
    """Before a masculine noun: "un", "treinta y dos"; from a hundred on in figures."""
    if n < 30:
        return _NUMEROS[n]
    return _DECENAS[n // 10 - 3] + (f" y {_NUMEROS[n % 10]}" if n % 10 else "") if n < 100 else str(n)


def euros(amount: Decimal) -> str:
    """Spanish: "un euro", "cuatro euros con veinte", "noventa céntimos". Zero or more."""
    whole, cents = divmod(round(amount * 100), 100)
    told = f"{spanish(whole)} {'euro' if whole == 1 else 'euros'}" if whole or not cents else ""
    also = f"{spanish(cents)}{'' if told else ' céntimos'}" if cents else ""
    return " con ".join(filter(None, (told, also)))


def number(given: float | Decimal) -> str:
    """English: "minus three point five", "eighty eight"; at most three places behind the point, below a million."""
    text = f"{abs(given):.3f}".rstrip("0").rstrip(".")
    whole, _, places = text.partition(".")
    minus = "minus " if given < 0 and text != "0" else ""
    return f"{minus}{cardinal(int(whole))}{f' point {digits(places)}' if places else ''}"


def money(amount: Decimal, unit: tuple[str, str] = ("dollar", "cent")) -> str:
    """English, of a currency in hundredths: "eighty nine dollars and fifty cents", "one cent". Zero or more."""
    whole, cents = divmod(round(amount * 100), 100)
    told = [
        f"{cardinal(n)} {name}{'' if n == 1 else 's'}"
        for n, name in ((whole, unit[0]), (cents, unit[1]))
        if n or (not cents and name == unit[0])
    ]
    return " and ".join(told)


def ordinal(n: int) -> str:
    """English, below a hundred: "twenty third"."""
    before, _, last = cardinal(n).rpartition(" ")
    return f"{before} {_ORDINALS.get(last, last + 'th')}".strip()


def _english(at: time) -> str:
    if (at.hour, at.minute) in ((0, 0), (12, 0)):
        return "midnight" if at.hour == 0 else "noon"
    part = "in the morning" if at.hour < 12 else "in the afternoon" if at.hour < 18 else "in the evening"
    hour = cardinal((at.hour - 1) % 12 + 1)
    match at.minute:
        case 0:
            return f"{hour} {part}"
        case 30:
            return f"half past {hour} {part}"
        case minute if minute < 10:
            return f"{hour} oh {cardinal(minute)} {part}"
        case minute:
            return f"{hour} {cardinal(minute)} {part}"


def _spanish(at: time) -> str:
    part = "de la mañana" if at.hour < 12 else "de la tarde" if at.hour < 21 else "de la noche"
    if (at.hour, at.minute) in ((0, 0), (12, 0)):
        return "medianoche" if at.hour == 0 else "las doce del mediodía"
    hour = _HORAS[at.hour % 12]
    spoken = f"la {hour}" if hour == "una" else f"las {hour}"
    match at.minute:
        case 0:
            return f"{spoken} {part}"
        case 15:
            return f"{spoken} y cuarto {part}"
        case 30:
            return f"{spoken} y media {part}"
        case minute:
            return f"{spoken} y {minute} {part}"
