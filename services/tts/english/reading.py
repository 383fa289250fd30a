"""How written English is said: codes, numbers, addresses, initials. Times, dates, units and the like stay as they are.

A run is what stands between white space. What is said for a run stays with it, so that its time can be told. Letters
that are said by their names stand in brackets: "BW-1042" is "‹B› ‹W›, one zero four two".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.tts.english import addresses, figures
from services.tts.english.runs import Run, runs_of
from services.tts.english.spelling import letter, letters

_NEVER_SAID = str.maketrans(dict.fromkeys("[]{}‹›<>|`*_~^\u200b\u200c\u200d\u2060\ufeff\u00ad", ""))
_SIGNS = {
    "№": "number", "‰": "per thousand", "√": "root", "≠": "is not", "≤": "at most", "≥": "at least", "≈": "about",
    "∞": "infinity", "₿": "bitcoin", "℃": "degrees Celsius", "℉": "degrees Fahrenheit", "€": "euros", "£": "pounds",
    "$": "dollars", "@": "at", "#": "number", "&": "and", "=": "equals", "+": "plus", "%": "percent", "×": "times",
    "÷": "divided by", "°": "degrees", "§": "section", "¢": "cents", "¥": "yen", "−": "minus", "±": "plus or minus",
    "~": "about",
}  # fmt: skip
_RARE_SIGNS = re.compile("[№‰√≠≤≥≈∞₿℃℉]")
_INITIALS = re.compile(r"[A-Za-z](?:-[A-Za-z]){2,}")
_HALF_DAY = re.compile(r"([ap])\.?m\.?", re.IGNORECASE)
_HOURS = re.compile(r"(\d{1,2}(?::\d\d)?)([ap])\.?m\.?(?:[-–—](\d{1,2}(?::\d\d)?)([ap])\.?m\.?)?", re.IGNORECASE)
_HOUR_RANGE = re.compile(r"(\d{1,2}(?::\d\d)?)[-–—](\d{1,2}:\d\d|\d{1,2})([ap])\.?m\.?", re.IGNORECASE)
_LONGEST = 20


Rule = Callable[[Sequence[Run], int], str | None]


@dataclass(frozen=True, slots=True)
class Said:
    """text[begin:end] and the words that are said for it; "" when it makes no sound."""

    begin: int
    end: int
    spoken: str


def reading(text: str) -> list[Said]:
    """Every run of the text, in order."""
    runs = runs_of(text)
    return [Said(run.begin, run.end, " ".join(_said(runs, place).split())) for place, run in enumerate(runs)]


def _said(runs: Sequence[Run], place: int) -> str:
    run = runs[place]
    if run.core:
        for rule in _RULES:
            if (spoken := rule(runs, place)) is not None:
                return _clean(run.head) + spoken + _clean(run.tail)
    return _plain(run.head + run.core + run.tail)


def _plain(whole: str) -> str:
    if whole in _SIGNS:
        return _SIGNS[whole]
    cleaned = _RARE_SIGNS.sub(lambda sign: f" {_SIGNS[sign.group()]} ", _clean(whole))
    return " ".join(_in_parts(part) for part in cleaned.split()) or cleaned


def _in_parts(word: str) -> str:
    """A voice guesses how a word sounds that it does not know, of its first letters only."""
    if len(word) <= _LONGEST:
        return word
    parts = re.split(r"(?<=[-–—/_.,;:])(?=\w)", word)
    return " ".join(part[at : at + _LONGEST] for part in parts for at in range(0, len(part), _LONGEST))


def _clean(marks: str) -> str:
    return marks.translate(_NEVER_SAID)


def _address(runs: Sequence[Run], place: int) -> str | None:
    return addresses.spoken(runs[place].core)


def _initials(runs: Sequence[Run], place: int) -> str | None:
    """S-M-I-T-H, and A in "J A N E" or "plan A"."""
    core = runs[place].core
    if _INITIALS.fullmatch(core):
        return letters(core.replace("-", ""))
    if len(core) != 1 or not core.isascii() or not core.isupper():
        return None
    beside = [run.core for run in runs[max(0, place - 1) : place] if not run.ends_sentence]
    beside += [run.core for run in runs[place + 1 : place + 2] if not runs[place].ends_sentence]
    single = any(len(other) == 1 and other.isascii() and (other.isupper() or other.isdigit()) for other in beside)
    last = core != "I" and place > 0 and (place + 1 == len(runs) or runs[place].ends_clause)
    return letter(core) if single or last else None


def _half_day(runs: Sequence[Run], place: int) -> str | None:
    """9am, 9am-5pm, 9-5pm, and the a.m. of "9 a.m."."""
    run = runs[place]
    point = "" if run.tail.startswith(".") else "."
    if found := _HALF_DAY.fullmatch(run.core):
        behind_hour = place > 0 and not runs[place - 1].ends_clause and runs[place - 1].core[:1].isdigit()
        return f"{found[1].upper()}.M{point}" if behind_hour else None
    if found := _HOURS.fullmatch(run.core):
        first = f"{found[1]} {found[2].upper()}.M"
        return f"{first}. to {found[3]} {found[4].upper()}.M{point}" if found[3] else first + point
    if found := _HOUR_RANGE.fullmatch(run.core):
        return f"{found[1]} to {found[2]} {found[3].upper()}.M{point}"
    return None


_RULES: tuple[Rule, ...] = (
    _address,
    _initials,
    _half_day,
    figures.money,
    figures.version,
    figures.telephone,
    figures.number,
    figures.code,
)
