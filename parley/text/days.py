"""Days as they are said: "tomorrow", "next tuesday", "march the fourth", "a week from friday". English; pure.

A day of which only the weekday, or the day and month, was said is the next one, today included. "Next tuesday" is that
of next week, and weeks begin on Monday: people do not agree on it, so read the date back.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from parley.text.spoken import normalise, words_to_digits
from parley.text.telling import date_of

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_FIRSTS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
)  # fmt: skip
ORDINALS = {word: n for n, word in enumerate(_FIRSTS, 1)}
ORDINALS |= {f"twenty {word}": 20 + n for n, word in enumerate(_FIRSTS[:9], 1)}
ORDINALS |= {"thirtieth": 30, "thirty first": 31}
ORDINALS |= {f"{n}{'st' if n in (1, 21, 31) else 'nd' if n in (2, 22) else 'rd' if n in (3, 23) else 'th'}": n
             for n in range(1, 32)}  # fmt: skip
DAY_WORD = "|".join(sorted(ORDINALS, key=len, reverse=True))
"""Regex source: "fourth", "twenty third", "4th"."""
MONTH = "|".join(MONTHS)
WEEKDAY = "|".join(WEEKDAYS)

_UNIT = "one|two|three|four|five|six|seven|eight|nine"
_COUNT = rf"(?:a|{_UNIT}|ten|\d{{1,2}})"
_CARDINAL = rf"(?:\d{{1,2}}|thirty(?: one)?|twenty(?: (?:{_UNIT}))?|[a-z]+teen|eleven|twelve)"
_MONTH_DAY = rf"(?:{MONTH}) (?:the )?(?:{DAY_WORD}|{_CARDINAL})|(?:the )?(?:{DAY_WORD}) (?:of |day of )?(?:{MONTH})"
SOURCE = (
    rf"(?:(?:the )?day after tomorrow|today|tonight|tomorrow|in {_COUNT} (?:days?|weeks?)(?: time)?"
    rf"|(?:a|one|two) weeks? from (?:today|tomorrow|(?:{WEEKDAY}))"
    rf"|(?:this |next |the coming |coming )?(?:{WEEKDAY})s?(?: (?:of )?next week)?"
    rf"(?: (?:the )?(?:{_MONTH_DAY}|{DAY_WORD}))?|next week(?: on)? (?:{WEEKDAY})"
    rf"|{_MONTH_DAY}|(?<=\bon the )(?:{DAY_WORD}))"
)
"""Regex source, no groups: a day in normalised text. A bare ordinal only behind "on the"."""
_IN = re.compile(rf"in ({_COUNT}) (day|week)")
_FROM = re.compile(rf"(a|one|two) weeks? from (today|tomorrow|{WEEKDAY})")
_WEEKDAY = re.compile(rf"\b({WEEKDAY})s?\b")
_NUMBER = re.compile(rf"\b(?:{DAY_WORD})\b")
_IN_MONTH = re.compile(rf"\b({MONTH}) (?:the )?({DAY_WORD}|{_CARDINAL})\b")
_OF_MONTH = re.compile(rf"\b({DAY_WORD}) (?:day )?(?:of )?({MONTH})\b")


def day_said(words: str, today: date) -> date | None:
    """The day, never before `today` unless its date says so; None: it is none, or not one day ("the weekend"), or one
    that does not exist ("february thirtieth", or a monday that is a tuesday).
    """
    if (exact := date_of(words.strip())) is not None:
        return exact
    said = normalise(words)
    for name, ahead in (("day after tomorrow", 2), ("tomorrow", 1), ("today", 0), ("tonight", 0)):
        if name in said and " from " not in said:
            return today + timedelta(ahead)
    if found := _IN.search(said):
        return today + timedelta(_count(found[1]) * (7 if found[2] == "week" else 1))
    if found := _FROM.search(said):
        return _from(found[2], today) + timedelta(7 * _count(found[1]))
    weekday = _WEEKDAY.search(said)
    dated = _dated(said, today)
    if dated is not None or _NUMBER.search(said) or _IN_MONTH.search(said):
        return dated if dated is None or weekday is None or WEEKDAYS[dated.weekday()] == weekday[1] else None
    if weekday is None:
        return None
    if re.search(r"\bnext\b", said):
        return today + timedelta(7 - today.weekday() + WEEKDAYS.index(weekday[1]))
    return _coming(weekday[1], today)


def _coming(weekday: str, today: date) -> date:
    return today + timedelta((WEEKDAYS.index(weekday) - today.weekday()) % 7)


def _from(word: str, today: date) -> date:
    return today + timedelta(word == "tomorrow") if word in ("today", "tomorrow") else _coming(word, today)


def _count(word: str) -> int:
    return 1 if word == "a" else int(words_to_digits(word))


def _dated(said: str, today: date) -> date | None:
    """A day of a month, this year or next; or of this month or one of the next, where no month was said."""
    if found := _IN_MONTH.search(said):
        month, number = MONTHS.index(found[1]) + 1, ORDINALS.get(found[2]) or int(words_to_digits(found[2]) or 0)
    elif found := _OF_MONTH.search(said):
        month, number = MONTHS.index(found[2]) + 1, ORDINALS[found[1]]
    elif found := _NUMBER.search(said):
        months = ((today.year + (today.month - 1 + n) // 12, (today.month - 1 + n) % 12 + 1) for n in range(3))
        days = [day for year, month in months if (day := _of(year, month, ORDINALS[found[0]])) is not None]
        return next((day for day in days if day >= today), None)
    else:
        return None
    days = [day for year in range(today.year, today.year + 9) if (day := _of(year, month, number)) is not None]
    return next((day for day in days if day >= today), None)


def _of(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
