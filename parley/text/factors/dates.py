"""Dates as they are said: "the third of march nineteen eighty", "3/3/80", "1980-03-03". Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from parley.text.spoken import normalise, words_to_digits

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = get_args(Order)

_MONTH_NAMES = (  # without accents; those that a language shares stand once
    "january jan enero januar janvier gennaio janeiro januari",
    "february feb febrero februar fevrier febbraio fevereiro februari",
    "march mar marzo marz maerz mars marco maart",
    "april apr abril avril aprile",
    "may mayo mai maggio maio mei",
    "june jun junio juni juin giugno junho",
    "july jul julio juli juillet luglio julho",
    "august aug agosto aout augustus",
    "september sep sept septiembre septembre settembre setembro",
    "october oct octubre oktober octobre ottobre outubro",
    "november nov noviembre novembre novembro",
    "december dec diciembre dezember decembre dicembre dezembro",
)
_MONTHS = {name: n for n, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_DAYS = {**{name: n for n, name in enumerate(_ORDINALS.split(), 1)}, "thirtieth": 30}
_NUMBERED = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|o|a)$")
_THOUSAND = re.compile(
    r"\btwo thousand(?: and)?(?: (?P<rest>(?:twenty|thirty) (?:one|two|three|four|five|six|seven|eight|nine)|"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty)))?\b"
)
_HUNDRED = re.compile(r"\b(eighteen|nineteen|twenty) hundred(?: and)?\b")
_MONTHS_FIRST = ("en", "en-us", "en-ph")
_YEARS_FIRST = ("zh", "ja", "ko", "hu", "lt", "mn", "fa")
_CENTURIES = ("18", "19", "20")
_MIN_YEAR, _MAX_YEAR = 1850, 2150


def order_of(language: str) -> Order:
    """How days, months and years come one after the other in numbers."""
    language = language.lower().replace("_", "-")
    if language in _MONTHS_FIRST:
        return "mdy"
    return "ymd" if language.partition("-")[0] in _YEARS_FIRST else "dmy"


def day(written: str, order: Order) -> str:
    """ISO, as a record has it; "" for what is no date, or one of which the century is not written."""
    found = days(written, order)
    return found[0] if len(found) == 1 else ""


def days(said: str, order: Order) -> tuple[str, ...]:
    """ISO dates that the caller may mean: two where a year has two digits. () for what is none."""
    return tuple(_made(_words(said), (order,)))


def anywhere(said: str, longest: int) -> frozenset[str]:
    """ISO dates that may stand somewhere in a text, in whatever order it is written. `longest`: of a date, in words."""
    words = _words(said)
    ends = [n for n, word in enumerate(words) if word.month or word.figures]
    found: set[str] = set()
    for i, begin in enumerate(ends):
        for end in ends[i:]:
            if end - begin >= longest:
                break
            found.update(_made(words[begin : end + 1], ORDERS))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Word:
    """What it may be in a date: a `month`; `figures` of a number; the `tens` of one; a `unit` behind such tens; the
    number of a `day`, as in "third"; 0 or "" for what it is not."""

    text: str
    month: int
    figures: str
    tens: int
    unit: int
    day: int


def _words(said: str) -> list[_Word]:
    bare = "".join(c for c in unicodedata.normalize("NFKD", said.lower()) if not unicodedata.combining(c))
    text = normalise(re.sub(r"[-'\u2019/.,]", " ", bare))
    text = _THOUSAND.sub(lambda m: str(2000 + int(words_to_digits(m["rest"] or "") or 0)), text)
    text = _HUNDRED.sub(lambda m: m[1], text)
    known: dict[str, _Word] = {}
    return [known.get(word) or known.setdefault(word, _word(word)) for word in text.split()]


def _word(word: str) -> _Word:
    day_ = _day_of(word)
    return _Word(word, _MONTHS.get(word, 0), _figures(word), _tens(word), day_ or _unit(word), day_)


def _made(words: Sequence[_Word], orders: Sequence[Order]) -> dict[str, None]:
    """The dates, as the keys in order, that these words are as a whole."""
    numbers, month, at = _read(words)
    if month:
        tried = list(_with_month(numbers[:at], month, numbers[at:]))
    elif _of_the(words):
        tried = list(_in_numbers(numbers, "dmy"))
    else:
        tried = [parts for order in orders for parts in _in_numbers(numbers, order)]
    return dict.fromkeys(made for parts in tried if (made := _iso(*parts)))


def _of_the(words: Sequence[_Word]) -> bool:
    """ "The third of the fifth": a day and a month."""
    for one, of, the, two in zip(words, words[1:], words[2:], words[3:], strict=False):
        if (of.text, the.text) == ("of", "the"):
            return bool(one.day and two.day)
    return False


def _read(words: Sequence[_Word]) -> tuple[list[str], int, int]:
    """The numbers in order, as figures; the month if one is named, and before which number it stands."""
    numbers: list[str] = []
    month = at = n = 0
    while n < len(words):
        word, unit = words[n], words[n + 1].unit if n + 1 < len(words) else 0
        if word.month and not month:
            month, at = word.month, len(numbers)
        elif word.tens and 0 < unit < 10:
            numbers.append(str(word.tens + unit))
            n += 1
        elif word.figures:
            numbers.append(word.figures)
        n += 1
    return numbers, month, at


def _figures(word: str) -> str:
    if found := _NUMBERED.match(word):
        return found[1]
    return str(_DAYS[word]) if word in _DAYS else words_to_digits(word)


def _day_of(word: str) -> int:
    return _DAYS.get(word) or (int(found[1]) if (found := _NUMBERED.match(word)) else 0)


def _tens(word: str) -> int:
    return {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
            "ninety": 90}.get(word, 0)  # fmt: skip


def _unit(word: str) -> int:
    number = "" if word.isdigit() or word in ("o", "oh") else words_to_digits(word)
    return int(number) if len(number) == 1 else 0


Parts = tuple[str, str, str]


def _with_month(before: list[str], month: int, after: list[str]) -> Iterator[Parts]:
    """Year, month, day. The day stands before the month or right behind it, the year last or first."""
    if len(before) == 1 and len(before[0]) == 4:
        yield before[0], str(month), _two(after)
    elif len(before) == 1:
        yield from ((year, str(month), before[0]) for year in _years(after))
    elif not before:
        size = 2 if len(after) > 1 and after[0] == "0" else 1
        yield from ((year, str(month), _two(after[:size])) for year in _years(after[size:]))
    elif len(before) == 2 and before[0] in _CENTURIES and after:
        yield from ((year, str(month), _two(after)) for year in _years(before))
    elif len(before) == 2 and before[0] == "0":
        yield from ((year, str(month), before[1]) for year in _years(after))


def _in_numbers(numbers: list[str], order: Order) -> Iterator[Parts]:
    if len(numbers) in (6, 8) and all(len(number) == 1 for number in numbers):
        numbers = ["".join(numbers)]
    if len(numbers) == 1 and len(numbers[0]) in (6, 8):
        yield from _in_one(numbers[0], order)
        return
    numbers = _zeros(numbers)
    if len(numbers) < 3:
        return
    if len(numbers[0]) == 4:
        yield numbers[0], numbers[1], "".join(numbers[2:])
        return
    if order == "ymd":
        yield from ((year, numbers[1], "".join(numbers[2:])) for year in _years(numbers[:1]))
        return
    first, second = numbers[:2]
    months_first = order == "mdy"
    if first.isdigit() and int(first) > 12 or int(second) > 12:  # only one of both can be a month
        months_first = int(second) > 12
    month, day_ = (first, second) if months_first else (second, first)
    yield from ((year, month, day_) for year in _years(numbers[2:]))


def _in_one(number: str, order: Order) -> Iterator[Parts]:
    """As in "03031980", "19800303", "030380"."""
    if len(number) == 8 and (order == "ymd" or not _iso(*_split(number, order))):
        yield number[:4], number[4:6], number[6:]
        return
    year, month, day_ = _split(number, order)
    yield from ((full, month, day_) for full in _years([year]))


def _split(number: str, order: Order) -> Parts:
    if order == "ymd":
        return number[:-4], number[-4:-2], number[-2:]
    first, second, year = number[:2], number[2:4], number[4:]
    return (year, first, second) if order == "mdy" else (year, second, first)


def _zeros(numbers: list[str]) -> list[str]:
    """What is said "oh three" is one number of two figures."""
    out: list[str] = []
    for number in numbers:
        if out and out[-1] == "0" and len(number) == 1:
            out[-1] = f"0{number}"
        else:
            out.append(number)
    return out


def _two(numbers: list[str]) -> str:
    return "".join(numbers) if len("".join(numbers)) <= 2 else ""


def _years(numbers: list[str]) -> tuple[str, ...]:
    """Of "nineteen eighty", "twenty oh one", "one nine eight zero", "80": the last may be of two centuries."""
    joined = "".join(numbers)
    if len(numbers) == 2 and len(numbers[0]) == 2 and numbers[0] in _CENTURIES and len(numbers[1]) <= 2:
        joined = numbers[0] + numbers[1].rjust(2, "0")
    if len(joined) == 4:
        return (joined,)
    return (f"19{joined}", f"20{joined}") if len(joined) == 2 else ()


def _iso(year: str, month: str, day_: str) -> str:
    if not (year.isdigit() and month.isdigit() and day_.isdigit()) or not _MIN_YEAR <= int(year) <= _MAX_YEAR:
        return ""
    try:
        return date(int(year), int(month), int(day_)).isoformat()
    except (ValueError, OverflowError):
        return ""
