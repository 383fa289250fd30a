"""What a row of digits and letters is: by its check digits, by its form, by the words beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from parley.pii.checks import MBI, is_card, is_iban, is_phone, is_routing, is_ssn
from parley.pii.cues import Cues
from parley.pii.kinds import Kind, Span
from parley.pii.reading import Item, Run, runs

_CARD_MIN, _CARD_MAX = 12, 19
_HALF_CARD = 8
"""Digits behind "my card is" from which on it is one, or a part of one, even where the check digit is wrong."""
_SSN_FORM = re.compile(r"\d{3}-\d{2}-\d{4}")
_US_FORM = re.compile(r"\(?\b[2-9]\d{2}\)?[ .-]{1,2}[2-9]\d{2}[ .-]\d{4}\b")
_LEAST: dict[str, tuple[int, int]] = {
    "ssn": (9, 9), "cvv": (3, 4), "phone": (7, 15), "number": (7, 15), "routing": (9, 9), "account": (6, 17),
    "birthdate": (6, 8), "card": (_HALF_CARD, 23),
}  # fmt: skip
"""Digits that each kind has, when its cue stands before them."""
_CODES: dict[str, tuple[int, int]] = {
    "passport": (6, 12), "licence": (5, 20), "record": (4, 16), "mbi": (11, 11), "iban": (12, 34), "account": (6, 20),
}  # fmt: skip
"""Letters and digits that each kind has, when its cue stands before them."""
_LETTERS_BEFORE = re.compile(r"\b[A-Za-z]{1,10}-$")
_CODE_DIGITS = 3
_LAST_FOUR = re.compile(r"last (?:four|4)\b", re.IGNORECASE)


def numbers(text: str, cues: Cues, taken: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Spans of all kinds that are numbers or codes; `taken`: where other kinds stand already."""
    card_seen = False
    for run in runs(text):
        run = [item for item in run if not any(start < item.end and item.start < end for start, end in taken)]
        if not run:
            continue
        found = list(_of_run(text, run, cues, card_seen))
        card_seen = card_seen or any(span.kind == "card" for span in found)
        yield from found


def _of_run(text: str, run: Run, cues: Cues, card_seen: bool) -> Iterator[Span]:
    coded = _checked_code(run)
    if coded is not None:
        yield coded
        run = [item for item in run if item.end <= coded.start or item.start >= coded.end]
    if not run:
        return
    cue = cues.before(run[0].start)
    if cue in _CODES and (span := _code(text, run, cue)) is not None:
        yield span
        return
    for part in _numeric(run):
        yield from _of_digits(text, part, cues, card_seen)


def _checked_code(run: Run) -> Span | None:
    """An IBAN or an MBI tells by itself what it is."""
    if not any(item.kind in "lm" for item in run):
        return None
    for n, first in enumerate(run):
        if first.kind not in "lm" and not (first.numeric and n + 1 < len(run) and run[n + 1].kind in "lm"):
            continue
        code, best = "", None
        for item in run[n:]:
            code += item.chars
            if len(code) > 34:
                break
            if len(code) == 11 and MBI.fullmatch(code):
                best = Span(first.start, item.end, "mbi")
            elif len(code) >= 15 and code[:2].isalpha() and code[2:4].isdecimal() and is_iban(code):
                best = Span(first.start, item.end, "iban")
        if best is not None:
            return best
    return None


def _code(text: str, run: Run, cue: str) -> Span | None:
    """The code that the words before it speak of."""
    least, most = _CODES[cue]
    code = "".join(item.chars for item in run)
    if not least <= len(code) or sum(c.isdecimal() for c in code) < min(_CODE_DIGITS, least):
        return None
    size, last = 0, run[0]
    for item in run:
        if size + len(item.chars) > most and size >= least:
            break
        size, last = size + len(item.chars), item
    before = _LETTERS_BEFORE.search(text, max(0, run[0].start - 12), run[0].start)
    return Span(before.start() if before else run[0].start, last.end, _kind_of(cue))


def _kind_of(cue: str) -> Kind:
    return "phone" if cue == "number" else cue  # type: ignore[return-value]


def _numeric(run: Run) -> Iterator[Run]:
    """The parts of a run that are digits alone, and not a piece of a code such as SN-8827."""
    part: Run = []
    stuck = False
    for item in run:
        if item.numeric and not (stuck and item.joined):
            part.append(item)
            stuck = False
            continue
        if part and not item.numeric and item.joined:
            part = []
        if part:
            yield part
        part, stuck = [], item.kind in "lm" or (stuck and item.joined)
    if part:
        yield part


def _of_digits(text: str, part: Run, cues: Cues, card_seen: bool) -> Iterator[Span]:
    digits = "".join(item.chars for item in part)
    start, end = part[0].start, part[-1].end
    if len(digits) < 3 or _is_stuck(text, start):
        return
    cue = cues.before(start)
    if cue is None or cue == "number":
        cue = cues.after(end) or cue
    if len(digits) >= _CARD_MIN and (cards := _cards(part, cue)):
        yield from _with_rest(part, cards)
        return
    written = text[start:end]
    if (
        len(digits) == 9
        and (_SSN_FORM.fullmatch(written) or (cue is None and " dash " in written and len(part) >= 3))
        and is_ssn(digits)
    ):
        yield Span(start, end, "ssn")
        return
    if _plus(text, start) and 8 <= len(digits) <= 15 and cue != "":
        yield Span(start, end, "phone")
        return
    if cue in ("record", "passport", "licence", "iban", "mbi"):
        return  # too short for one
    if cue == "ssn" and len(digits) == 4 and _LAST_FOUR.search(text, max(0, start - 48), start):
        yield Span(start, end, "ssn")
        return
    if cue and (span := _told(part, digits, cue)) is not None:
        yield span
        return
    if cue is None or cue in ("number", "birthdate"):
        yield from _by_form(text, start, end, digits, card_seen, cues)


def _told(part: Run, digits: str, cue: str) -> Span | None:
    """As the words before it say."""
    start, end = part[0].start, part[-1].end
    if cue == "routing" and len(digits) > 9 and is_routing(digits[:9]):
        return _first(part, 9, "routing")
    if cue not in _LEAST:
        return None
    least, most = _LEAST[cue]
    if len(digits) < least:
        return None
    if len(digits) <= most:
        if cue == "birthdate" and not _is_day(part):
            return None
        return Span(start, end, _kind_of(cue))
    return _first(part, most, _kind_of(cue)) if cue in ("ssn", "cvv", "routing") else None


def _is_day(part: Run) -> bool:
    """Three numbers in a row, as "oh four, twelve, seventy nine"."""
    return 3 <= len(part) <= 8


def _first(part: Run, count: int, kind: Kind) -> Span | None:
    """The first items, if they are so many digits."""
    size = 0
    for item in part:
        size += len(item.chars)
        if size >= count:
            return Span(part[0].start, item.end, kind) if size == count else None
    return None


def _by_form(text: str, start: int, end: int, digits: str, card_seen: bool, cues: Cues) -> Iterator[Span]:
    """Without a word that says what it is."""
    if 3 <= len(digits) <= 4 and card_seen and "code" in text[max(0, start - 24) : start].lower():
        yield Span(start, end, "cvv")
        return
    begin = start - 1 if start and text[start - 1] == "(" else start
    if len(digits) == 10 and _US_FORM.fullmatch(text, begin, end) and is_phone(digits):
        yield Span(begin, end, "phone")
    elif len(digits) == 11 and digits[0] == "1" and _US_FORM.search(text, start, end) and is_phone("+" + digits):
        yield Span(start, end, "phone")


def _cards(part: Run, cue: str | None) -> list[tuple[int, int]]:
    """Index ranges of the items that are a card. With its cue also what has a wrong digit, or is a part of one."""
    found: list[tuple[int, int]] = []
    n = 0
    while n < len(part):
        if (after := _card_at(part, n)) and cue != "":
            found.append((n, after))
            n = after
        else:
            n += 1
    size = sum(len(item.chars) for item in part)
    if not found and cue == "card" and _CARD_MIN <= size <= _CARD_MAX + 8:
        return [(0, len(part))]
    return found


def _card_at(part: Run, n: int) -> int:
    """After how many items a card ends that begins at the n-th; 0: none begins."""
    digits, after = "", 0
    for i, item in enumerate(part[n:], n + 1):
        digits += item.chars
        if len(digits) > _CARD_MAX:
            break
        if len(digits) >= _CARD_MIN and is_card(digits):
            after = i
    return after


def _with_rest(part: Run, cards: list[tuple[int, int]]) -> Iterator[Span]:
    """What follows in one breath is the date it ends and its code."""
    for n, (first, after) in enumerate(cards):
        yield Span(part[first].start, part[after - 1].end, "card")
        until = cards[n + 1][0] if n + 1 < len(cards) else len(part)
        rest: Run = part[after:until]
        if 3 <= sum(len(item.chars) for item in rest) <= 10:
            yield Span(rest[0].start, rest[-1].end, "cvv")


def _is_stuck(text: str, start: int) -> bool:
    """A piece of a longer word: `SN-8827`, `x=3f9`."""
    return start > 1 and text[start - 1] in "-_" and (text[start - 2].isalpha() or text[start - 2] == "_")


def _plus(text: str, start: int) -> bool:
    return start > 0 and (text[start - 1] == "+" or text[max(0, start - 2) : start] == "+ ")


def digits_of(text: str, single: bool = False) -> list[tuple[int, int, str]]:
    """All digits that are written or spoken in a text, run by run: where each run stands, and what it is. `single`: a
    lone number word too, but for those that are other words as well, and the digits in a word of both."""
    found: list[tuple[int, int, str]] = []
    for run in runs(text, single):
        for part in _plain(_with_digits_alone(run) if single else run):
            found.append((part[0].start, part[-1].end, "".join(item.chars for item in part)))
    return found


def rows_of_digits(text: str) -> list[list[str]]:
    """The same: of each run its words and groups."""
    alone = (_with_digits_alone(run) for run in runs(text, single=True))
    return [[item.chars for item in part] for run in alone for part in _plain(run)]


def _with_digits_alone(run: Run) -> Run:
    """What is letters and digits in one as its digits."""
    return [
        replace(item, chars="".join(filter(str.isdecimal, item.chars)), kind="d") if item.kind == "m" else item
        for item in run
    ]


def _plain(run: Run) -> Iterator[list[Item]]:
    part: list[Item] = []
    for item in run:
        if item.numeric:
            part.append(item)
        elif part:
            yield part
            part = []
    if part:
        yield part
