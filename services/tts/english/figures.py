"""Runs with figures in them: which are amounts, and which are names that are said digit by digit.

A rule returns what is said for the core of runs[place]; None when it is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.tts.english import numbers
from services.tts.english.runs import Run, word_after, words_before
from services.tts.english.spelling import RUN, digits, reads_as_word, spelled

_NUMBER = re.compile(r"#?(\d+)")
_MASKED = re.compile(r"[xX*•·#.…-]{3,}(\d{2,6})")
_GROUPS = re.compile(r"\(\d{2,4}\)\d+(?:-\d+)*|\+?\(?\d+\)?(?:[-./ ]\(?\d+\)?)+|\+\d+|\(\d{3,4}\)-?\d*")
_PHONE = re.compile(r"\(?\d{3}\)?[-./]?\d{3}[-./]\d{4}|\d{3}[-.]\d{4}|1?[-./ ]?\d{3}[-./]\d{3}[-./]\d{4}")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_MONEY_BEHIND = re.compile(r"(\d[\d,.]*)([€£$])")
_DECIMAL_COMMA = re.compile(r"(\d+),(\d\d)")
_CURRENCIES = ("€", "£", "$")
_WITH_UNIT = re.compile(r"(-?)(\d{4,})(%|(?!s$)[a-zµ°][A-Za-zµ/]*|[KMGT]B|MHz|GHz|W)")
_UNIT_OF_NUMBER = re.compile(
    r"\d[\d,.]*(?:st|nd|rd|th|s|[kKxXmMbB]|%|am|pm|AM|PM|°[CF]?|[a-zµ]{1,4}|[KMGT]B|[kM]?Hz|[KMG]bps|kWh?|mAh)"
)
_CODE = re.compile(r"#?[A-Za-z0-9]+(?:[-_./][A-Za-z0-9]+)*")
_VERSION = re.compile(r"[vV]?\d+(?:\.\d+){2,}")
_AMOUNT = re.compile(r"[-$€£#]?[\d.,]+%?", re.ASCII)
_LONGEST_AMOUNT = 15  # digits; longer ones have no name
_PRODUCT = re.compile(r"(\d+)[*×](\d+)")


def money(runs: Sequence[Run], place: int) -> str | None:
    """The sign before the number, and a point in it, as voices read it: 5€, € 5,00."""
    core = runs[place].core
    if core in _CURRENCIES:
        before, after = runs[max(0, place - 1) : place], runs[place + 1 : place + 2]
        beside = [run.core for run in (*before, *after) if not run.tail or run in after]
        return "" if any(core[:1].isdigit() for core in beside) else None
    if found := _MONEY_BEHIND.fullmatch(core):
        return f"{found[2]}{_point(found[1])}"
    if core[0] in _CURRENCIES:
        return core[0] + _point(core[1:])
    if core[0].isdigit() and place > 0 and runs[place - 1].core in _CURRENCIES:
        return runs[place - 1].core + _point(core)
    sign = word_after(runs, place)
    return sign + _point(core) if core[0].isdigit() and sign in _CURRENCIES else None


def _point(number: str) -> str:
    return _DECIMAL_COMMA.sub(r"\1.\2", number) if _DECIMAL_COMMA.fullmatch(number) else number


def version(runs: Sequence[Run], place: int) -> str | None:
    core = runs[place].core
    if not _VERSION.fullmatch(core) or _PHONE.fullmatch(core) or _DATE.fullmatch(core):
        return None
    parts = core.lstrip("vV").split(".")
    if len(parts) > 3:  # of a machine
        return " dot ".join(digits(part) for part in parts)
    return ("version " if core[0] in "vV" else "") + " point ".join(parts)


def telephone(runs: Sequence[Run], place: int) -> str | None:
    """Groups of digits that are no date, range or fraction: telephone, card and account numbers."""
    core = runs[place].core
    if not _GROUPS.fullmatch(core):
        in_number = core.isdigit() and len(core) > 1 and _goes_on(runs, place)
        return digits(core) + _breath(runs, place) if in_number else None
    if _DATE.fullmatch(core):
        return None
    groups = [group.group() for group in RUN.finditer(core)]
    clearly = core[0] in "+(" or _PHONE.fullmatch(core) or len(groups) > 2 or any(len(group) > 4 for group in groups)
    if "." in core and not _PHONE.fullmatch(core):
        clearly = False  # a version, an amount
    if not clearly and not (len(groups) == 2 and "-" in core and numbers.coded(words_before(runs, place))):
        return None
    plus = "plus " if core[0] == "+" else ""
    return plus + ", ".join(digits(group) for group in groups) + _breath(runs, place)


def _goes_on(runs: Sequence[Run], place: int) -> bool:
    """Whether these digits go on a number that begins with "+44" or "(555)", or are groups of four as on a card."""
    first = place
    while first > 0 and not runs[first - 1].ends_clause and _is_digits(runs[first - 1].core):
        first -= 1
    begin = runs[first].core
    if first < place and begin[0] in "+(":
        return True
    last = place
    while last + 1 < len(runs) and not runs[last].ends_clause and _is_digits(runs[last + 1].core):
        last += 1
    return last - first >= 2 and all(len(run.core) >= 2 for run in runs[first : last + 1])


def _is_digits(core: str) -> bool:
    return bool(core) and core.strip("+()").replace("-", "").isdigit()


def _breath(runs: Sequence[Run], place: int) -> str:
    """Between two groups that white space parts."""
    goes_on = place + 1 < len(runs) and not runs[place].tail and _is_digits(runs[place + 1].core)
    return "," if goes_on else ""


def number(runs: Sequence[Run], place: int) -> str | None:
    core = runs[place].core
    if found := _MASKED.fullmatch(core):
        return digits(found[1])
    if found := _PRODUCT.fullmatch(core):
        return f"{found[1]} times {found[2]}"
    if found := _WITH_UNIT.fullmatch(core):
        return f"{found[1]}{numbers.with_commas(found[2])}{found[3]}"
    if _AMOUNT.fullmatch(core) and sum(char.isdigit() for char in core) > _LONGEST_AMOUNT:
        return digits("".join(char for char in core if char.isdigit()))
    if not (found := _NUMBER.fullmatch(core)) or not core.isascii():
        return None
    number, before, after = found[1], words_before(runs, place), word_after(runs, place)
    hashed = core[0] == "#" or before[-1:] == ["#"]
    if numbers.is_year(number, _date_before(runs, place), after) and not numbers.coded(before):
        return None
    if numbers.is_code(number, before, after) or (hashed and len(number) > 3):
        return ("number " if core[0] == "#" else "") + digits(number)
    about = "about " if runs[place].head.endswith("~") else ""
    return about + (numbers.with_commas(number) if len(number) >= 4 else number) if about or len(number) >= 4 else None


def _date_before(runs: Sequence[Run], place: int) -> list[str]:
    """The two words before, as in "May 5, 2025"."""
    if place > 1 and runs[place - 1].tail == "," and runs[place - 1].core[:1].isdigit():
        return [run.word for run in runs[place - 2 : place]]
    return words_before(runs, place)


def code(runs: Sequence[Run], place: int) -> str | None:
    """Letters with digits: BW-1042, 4F7K2. A4, 5G, COVID-19 and 14C are words, unless one says that they are codes."""
    core = runs[place].core
    if (
        not core.isascii()
        or not _CODE.fullmatch(core)
        or not re.search(r"\d", core)
        or not re.search(r"[A-Za-z]", core)
    ):
        return None
    if _UNIT_OF_NUMBER.fullmatch(core):
        return None
    parts = RUN.findall(core)
    figures = sum(len(part) for part in parts if part.isdigit())
    names = [part for part in parts if part.isalpha()]
    if any(name.islower() and len(name) > 2 and (reads_as_word(name) or "-" in core) for name in names):
        return None if figures < 4 and len(names) < 3 else spelled(core)
    alternates = len(parts) > 2
    wanted = numbers.coded(words_before(runs, place)) and len(core) > 2
    if core[0] == "#" or wanted or figures >= 4 or alternates:
        return ("number " if core[0] == "#" else "") + spelled(core.lstrip("#"))
    return None
