"""Numbers, times and days as callers say them, by chance; and how spoken digits are written down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from parley.text.phrases import NUMBER_RUN, spoken_digits, words_to_digits

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
WEEKDAYS = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "thirtieth",
)  # fmt: skip
_CLOCK_BEFORE = frozenset((
    "at", "until", "till", "by", "around", "about", "before", "after", "from", "past", "to", "since",
))  # fmt: skip
_CLOCK_AFTER = frozenset((
    "am", "pm", "o'clock", "oclock", "percent", "dollars",
))  # fmt: skip
_RUN = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
_MIXED_RUN_DIGITS = 4


def cardinal(n: int) -> str:
    """A whole number in words: 123 -> "one hundred twenty three"; from a million on digit by digit."""
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f" {UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{UNITS[n // 100]} hundred" + (f" {cardinal(n % 100)}" if n % 100 else "")
    if n < 1_000_000:
        return f"{cardinal(n // 1000)} thousand" + (f" {cardinal(n % 1000)}" if n % 1000 else "")
    return spoken_digits(str(n))


def digit_string(rng: Random, length: int = 0) -> str:
    """Digits as read out: one by one, "oh" for zero, "double four", in pairs. `length` 0: any, up to 16."""
    length = length or rng.choice((1, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 16))
    digits = [rng.randrange(10) for _ in range(length)]
    paired = length > 1 and rng.random() < 0.18
    zero = "oh" if rng.random() < 0.4 else "zero"
    words: list[str] = []
    i = 0
    while i < length:
        digit = digits[i]
        if paired and i + 1 < length and digit:
            words.append(cardinal(digit * 10 + digits[i + 1]))
            i += 2
        elif i + 1 < length and digits[i + 1] == digit and rng.random() < 0.5:
            words += ["double", UNITS[digit] if digit else zero]
            i += 2
        else:
            words.append(UNITS[digit] if digit else zero)
            i += 1
    return " ".join(words)


def quantity(rng: Random) -> str:
    """How many, how much."""
    if rng.random() < 0.15:
        return cardinal(rng.choice((100, 150, 200, 250, 300, 500, 1000, rng.randrange(100, 2000))))
    return cardinal(rng.choice((rng.randrange(1, 13), rng.randrange(1, 100))))


def measure(rng: Random) -> str:
    """What an instrument shows: "nine point two"."""
    whole = quantity(rng)
    return f"{whole} point {UNITS[rng.randrange(10)]}" if rng.random() < 0.5 else whole


def clock(rng: Random) -> str:
    """A time of day: "nine thirty", "half past four", "seven pm"."""
    hour = cardinal(rng.randrange(1, 13))
    return rng.choice((
        hour, f"{hour} o'clock", f"{hour} am", f"{hour} pm", f"{hour} thirty", f"{hour} fifteen", f"{hour} forty five",
        f"{hour} thirty am", f"{hour} thirty pm", f"half past {hour}", f"quarter past {hour}", f"quarter to {hour}",
        f"{hour} in the morning", f"{hour} in the afternoon", f"{hour} in the evening", "noon", "midday",
    ))  # fmt: skip


def day(rng: Random) -> str:
    """A day: weekday, today, date."""
    if rng.random() < 0.75:
        weekday = rng.choice(WEEKDAYS)
        return rng.choice((
            weekday, weekday, weekday, f"on {weekday}", f"next {weekday}", f"this {weekday}", f"{weekday} morning",
            f"{weekday} afternoon", "today", "tomorrow", "tomorrow morning", "tomorrow afternoon", "tonight",
            "the weekend", "this week", "next week", "yesterday",
        ))  # fmt: skip
    number = rng.randrange(1, 32)
    ordinal = (
        ORDINALS[number - 1]
        if number <= 20
        else "thirtieth"
        if number == 30
        else f"{TENS[number // 10 - 2]} {ORDINALS[number % 10 - 1]}"
    )
    month = rng.choice(MONTHS)
    return rng.choice(
        (f"{month} {ordinal}", f"the {ordinal}", f"the {ordinal} of {month}", f"{month} {cardinal(number)}")
    )


def written(words: Sequence[str]) -> str:
    """Words as text, runs of spoken digits as figures: "order one two double four" -> "order 1244".

    A lone number, a time ("at nine thirty") and a short mixed number ("twenty one") stay in words.
    """
    text = " ".join(words)
    return _RUN.sub(lambda run: _figures(run.group(), text[: run.start()].split(), text[run.end() :].split()), text)


def _figures(run: str, before: list[str], after: list[str]) -> str:
    digits = words_to_digits(run)
    parts = run.split()
    if len(parts) < 2 or not digits:
        return run
    one_by_one = len(digits) >= len(parts) and not any(
        p in TENS or p in UNITS[10:] or p in ("hundred", "thousand", "and") for p in parts
    )
    if one_by_one:
        return digits
    is_clock = len(digits) <= 4 and ((before and before[-1] in _CLOCK_BEFORE) or (after and after[0] in _CLOCK_AFTER))
    return run if is_clock or len(digits) < _MIXED_RUN_DIGITS else digits
