"""What a row of digits and letters is by the word that speaks of it, if it can be such. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from parley.pii.cues import Cues
from parley.pii.forms import PHONE_MAX, PHONE_MIN
from parley.pii.kinds import Kind, Span
from parley.pii.parts import chars, is_corrected, is_stuck, numeric, parted
from parley.pii.reading import Run

_PHONES = ("phone", "number", "it")
_DIGITS: dict[str, tuple[int, int]] = {
    "ssn": (9, 9), "cvv": (3, 4), "routing": (9, 9), "birthdate": (4, 8), "card": (8, 23),
    **dict.fromkeys(_PHONES, (PHONE_MIN, PHONE_MAX)),
}  # fmt: skip
"""So many digits each kind has. Of a card: or a part of one, or one with a wrong digit."""
CODES: dict[str, tuple[int, int]] = {
    "passport": (6, 12), "licence": (5, 20), "record": (4, 16), "mbi": (11, 11), "iban": (12, 34), "account": (6, 20),
}  # fmt: skip
"""So many letters and digits."""
_LAST: dict[str, tuple[int, int]] = {"ssn": (4, 4), "account": (3, 6)}
"""Digits of its end, where it is said that they are that."""
AHEAD: dict[str, tuple[int, Kind]] = {"sort": (6, "account"), "expiry": (4, "cvv")}
"""Digits that are nothing personal by themselves, and what those are that follow them in one breath."""
_LEAST_DIGITS = 3
_LETTERS_BEFORE = re.compile(r"\b(?:[A-Za-z]{1,10}-|[A-Z]{1,6} )+$")
_IS_LAST = re.compile(r"(?<![a-z])(?:last[ _]?(?:four|4)|end(?:s|ing))\b", re.IGNORECASE)
_TIMES = re.compile(r"\b(?:and|or|to|und|y|et)\b", re.IGNORECASE)
"""Between two times of a day, and not in a short telephone number."""
_OF_A_CARD = re.compile(r"card|code|cv[vc]|digits|numbers", re.IGNORECASE)
_ORDERS = ("ymd", "dmy", "mdy")
_CUTS = {8: ((4, 6), (2, 4)), 7: ((1, 3), (2, 3)), 6: ((2, 4),), 5: ((1, 3), (2, 3)), 4: ((1, 2),)}
"""Where so many digits may be three numbers."""


def told(text: str, run: Run, name: str, cues: Cues) -> list[Span]:
    """Spans of what the cue `name` says; none: the run is no such thing."""
    if name == "back":
        if not _OF_A_CARD.search(text):
            return []
        name = "cvv"
    if name in CODES and (span := _code(text, run, name, cues)) is not None:
        return [span]
    spans = (_number(text, part, name) for part in numeric(run))
    return [span for span in spans if span is not None]


def _code(text: str, run: Run, name: str, cues: Cues) -> Span | None:
    least, most = CODES[name]
    start, code = run[0].start, chars(run)
    if len(code) < least or sum(c.isdecimal() for c in code) < _LEAST_DIGITS:
        return None
    if is_corrected(text, start, run[-1].end):
        most = 2 * most + 2
    size, last = 0, run[0]
    for item in run:
        if size + len(item.chars) > most and size >= least:
            break
        size, last = size + len(item.chars), item
    before = _LETTERS_BEFORE.search(text, max(cues.end_before(start), start - 16), start)
    return Span(before.start() if before else start, last.end, _kind_of(name))


def _number(text: str, part: Run, name: str) -> Span | None:
    start, end, size = part[0].start, part[-1].end, len(chars(part))
    if size < _LEAST_DIGITS or is_stuck(text, start):
        return None
    if name in AHEAD:
        return _behind(part, *AHEAD[name])
    if name in _LAST and _LAST[name][0] <= size <= _LAST[name][1]:
        return Span(start, end, _kind_of(name)) if _IS_LAST.search(text, max(0, start - 48), start) else None
    if name not in _DIGITS or (name == "birthdate" and not _is_day([item.chars for item in part])):
        return None
    if name in _PHONES:
        if size < 10 and _TIMES.search(text, start, end):
            return None
        start -= start > 0 and text[start - 1] == "(" and ")" in text[start:end]
    least, most = _DIGITS[name]
    if least <= size <= most or (most < size <= 2 * most + 2 and is_corrected(text, start, end)):
        return Span(start, end, _kind_of(name))
    head = parted(part, most)[0]
    fits = name in ("ssn", "cvv") and len(chars(head)) == most
    return Span(start, head[-1].end, _kind_of(name)) if fits else None


def _behind(part: Run, ahead: int, kind: Kind) -> Span | None:
    rest = parted(part, ahead)[1]
    least, most = CODES.get(kind) or _DIGITS[kind]
    return Span(rest[0].start, rest[-1].end, kind) if rest and least <= len(chars(rest)) <= most else None


def _is_day(groups: Sequence[str]) -> bool:
    """Day, month and year, in whatever order, in three numbers, digit by digit, or in one of six or eight digits."""
    if len(groups) == 3:
        return _in_order(groups)
    digits = "".join(groups)
    if (len(groups) < 3 and len(digits) not in (6, 8)) or (len(digits) == 4 and digits[:2] in ("19", "20")):
        return False
    return any(_in_order((digits[:a], digits[a:b], digits[b:])) for a, b in _CUTS.get(len(digits), ()))


def _in_order(groups: Sequence[str]) -> bool:
    for order in _ORDERS:
        of = dict(zip(order, groups, strict=True))
        whole = len(of["y"]) == 2 or (len(of["y"]) == 4 and of["y"][:2] in ("19", "20"))
        if whole and 1 <= int(of["d"]) <= 31 and 1 <= int(of["m"]) <= 12:
            return True
    return False


def _kind_of(name: str) -> Kind:
    return "phone" if name in _PHONES else name  # type: ignore[return-value]
