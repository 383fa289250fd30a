"""What a row of digits and letters is: by its check digits, by its form, by the words beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from parley.pii.checks import MBI, is_card, is_iban, is_phone, is_routing, is_ssn
from parley.pii.cues import Cues
from parley.pii.kinds import Kind, Span
from parley.pii.number_words import CORRECTED
from parley.pii.reading import Item, Run, runs

_CARD_MIN, _CARD_MAX = 12, 19
_HALF_CARD = 8
"""Digits behind "my card is" from which on it is one, or a part of one, even where the check digit is wrong."""
_SSN_FORM = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_SSN_SPACED = re.compile(r"\d{3} \d{2} \d{4}")
_US_FORM = re.compile(r"(?<![\d.-])(?:1[ .-])?\(?\b[2-9]\d{2}\)?[ .-]{1,2}[2-9]\d{2}[ .-]\d{4}\b")
_ABROAD = re.compile(
    r"(?<![\w.-])(?:00 ?[1-9][\d ()-]{8,16}|0\d{2,5}/[\d -]{5,9}|01[5-7]\d[- ]\d{7,8}|07\d{3} \d{3} ?\d{3}|0\d{2,3} \d{3,4} \d{4}|0\d{4} \d{5,6})(?<=\d)(?![\w-])"
)
"""International, German and British."""
_LEAST: dict[str, tuple[int, int]] = {
    "ssn": (9, 9), "cvv": (3, 4), "phone": (7, 15), "number": (7, 15), "it": (7, 15), "routing": (9, 9), "birthdate": (4, 8),
    "card": (_HALF_CARD, 23),
}  # fmt: skip
"""Digits that each kind has, when its cue stands before them."""
_CODES: dict[str, tuple[int, int]] = {
    "passport": (6, 12), "licence": (5, 20), "record": (4, 16), "mbi": (11, 11), "iban": (12, 34), "account": (6, 20),
}  # fmt: skip
"""Letters and digits that each kind has, when its cue stands before them."""
_LAST: dict[str, tuple[int, int]] = {"ssn": (4, 4), "account": (3, 6)}
"""Digits of its end, where it is said that they are that."""
_AHEAD: dict[str, tuple[int, Kind]] = {"sort": (6, "account"), "expiry": (4, "cvv")}
"""Digits that are nothing personal by themselves, and what those are that follow them in one breath."""
_LETTERS_BEFORE = re.compile(r"\b(?:[A-Za-z]{1,10}-|[A-Z]{1,6} )+$")
_CODE_DIGITS = 3
_LAST_FOUR = re.compile(r"(?<![a-z])(?:last[ _]?(?:four|4)|end(?:s|ing))\b", re.IGNORECASE)
_ANEW = re.compile(rf"\b(?:{'|'.join(CORRECTED)})\b", re.IGNORECASE)
_PRICE = re.compile(r"[$€£]\s?$")
_UNIT = re.compile(
    r"\s?(?:%|percent|dollars?|euros?|pounds?|bucks|cents?|points?|ms|seconds?|minutes?|hours?|days?|weeks?|years?|bytes|kb|"
    r"mb|gb|units?|miles|km|users?|visitors|times|people|pieces|items|rows|entries|lines|seats|likes|members|requests|steps|colou?rs)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\b(?:and|or|to|und|y|et)\b", re.IGNORECASE)
"""Between two times of a day, and not in a short telephone number."""
_BACK_OF = re.compile(r"card|code|cv[vc]|digits|numbers", re.IGNORECASE)
_PHONES = ("phone", "number", "it")
_PLUS = re.compile(r"(?:\+\s?\(?|\bplus )$", re.IGNORECASE)


def numbers(text: str, cues: Cues, taken: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Spans of all kinds that are numbers or codes; `taken`: where other kinds stand already."""
    card_seen, since = False, 0
    for run in runs(text, loose=True):
        if sum(len(item.chars) for item in run) < _CODE_DIGITS:
            continue
        for piece in _pieces(run, cues, taken):
            if sum(len(item.chars) for item in piece) < _CODE_DIGITS:
                continue
            found = list(_of_run(text, piece, cues, card_seen, since))
            card_seen = card_seen or any(span.kind == "card" for span in found)
            since = piece[-1].end
            yield from found


def _pieces(run: Run, cues: Cues, taken: Sequence[tuple[int, int]]) -> Iterator[Run]:
    """Of a run what stands before, between and behind what is another thing already, or the letters of a cue."""
    if not taken and all(item.numeric for item in run):
        yield run
        return
    piece: Run = []
    for item in run:
        if any(start < item.end and item.start < end for start, end in taken) or (
            not item.numeric and cues.covers(item.start)
        ):
            if piece:
                yield piece
            piece = []
        else:
            piece.append(item)
    if piece:
        yield piece


def _of_run(text: str, run: Run, cues: Cues, card_seen: bool, since: int) -> Iterator[Span]:
    coded = _checked_code(run)
    if coded is not None:
        yield coded
        run = [item for item in run if item.end <= coded.start or item.start >= coded.end]
    if not run:
        return
    known = [span for part in _numeric(run) for span in _by_check(text, part, cues)]
    if known:
        yield from known
        return
    run = _without_amount(text, run)
    if not run:
        return
    start, end = run[0].start, run[-1].end
    names = cues.before(start, since)
    if (not names or names[0] in ("", "number", "it")) and (after := cues.after(end)) is not None:
        names.insert(0, "cvv" if after == "back" else after)
    if "routing" in names:
        for part in _numeric(run):
            if (span := _first(part, 9, "routing")) and is_routing("".join(i.chars for i in part)[:9]):
                yield span
                run = [item for item in run if item.start >= span.end]
                names.remove("routing")
                break
    if "it" in names:  # "the number" of what was spoken of before, else of a telephone
        names.remove("it")
        names += ["it"] if "" not in names else []
    for name in names if run else ():
        if (spans := _told(text, run, name, cues)) or name in _AHEAD:
            yield from spans
            return
    for part in _numeric(run):
        yield from _by_form(text, part, card_seen, cues)


def _without_amount(text: str, run: Run) -> Run:
    """Without a number at its end that has a unit behind it; nothing of a price."""
    if _PRICE.search(text, max(0, run[0].start - 2), run[0].start):
        return []
    if run[-1].numeric and _UNIT.match(text, run[-1].end):
        last = len(run) - 1
        while last and run[last].kind == "d" and text[run[last - 1].end : run[last].start] in (" ", "."):
            last -= 1
        return run[:last]
    return run


def _told(text: str, run: Run, name: str, cues: Cues) -> list[Span]:
    """As the word says that speaks of the run, if it can be such."""
    if name == "back":
        if not _BACK_OF.search(text):
            return []
        name = "cvv"
    if name in _CODES and (span := _code(text, run, name, cues)) is not None:
        return [span]
    spans = (_digits(text, part, name) for part in _numeric(run))
    return [span for span in spans if span is not None]


def _digits(text: str, part: Run, name: str) -> Span | None:
    digits = "".join(item.chars for item in part)
    start, end = part[0].start, part[-1].end
    if len(digits) < 3 or _is_stuck(text, start):
        return None
    if name in _AHEAD:
        ahead, kind = _AHEAD[name]
        rest = _behind(part, ahead)
        least, most = _CODES.get(kind) or _LEAST[kind]
        return Span(rest[0].start, end, kind) if least <= sum(len(i.chars) for i in rest) <= most else None
    if name in _LAST and _LAST[name][0] <= len(digits) <= _LAST[name][1]:
        return Span(start, end, _kind_of(name)) if _LAST_FOUR.search(text, max(0, start - 48), start) else None
    if name not in _LEAST:
        return None
    least, most = _LEAST[name]
    if name == "birthdate" and not _is_day([item.chars for item in part]):
        return None
    if name in _PHONES and len(digits) < 10 and _TIMES.search(text, start, end):
        return None
    if least <= len(digits) <= most or (most < len(digits) <= 2 * most + 2 and _ANEW.search(text, start, end)):
        return Span(start, end, _kind_of(name))
    return _first(part, most, _kind_of(name)) if name in ("ssn", "cvv") and len(digits) > most else None


def _behind(part: Run, count: int) -> Run:
    """The items after the first that are so many digits."""
    size = 0
    for n, item in enumerate(part):
        if size >= count:
            return part[n:]
        size += len(item.chars)
    return []


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


def _code(text: str, run: Run, name: str, cues: Cues) -> Span | None:
    """The code that the words before it speak of."""
    least, most = _CODES[name]
    start, end = run[0].start, run[-1].end
    code = "".join(item.chars for item in run)
    if not least <= len(code) or sum(c.isdecimal() for c in code) < min(_CODE_DIGITS, least):
        return None
    if _ANEW.search(text, start, end):
        most = 2 * most + 2
    size, last = 0, run[0]
    for item in run:
        if size + len(item.chars) > most and size >= least:
            break
        size, last = size + len(item.chars), item
    before = _LETTERS_BEFORE.search(text, max(cues.end_before(start), start - 16), start)
    return Span(before.start() if before else start, last.end, _kind_of(name))


def _kind_of(cue: str) -> Kind:
    return "phone" if cue in _PHONES else cue  # type: ignore[return-value]


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


def _by_check(text: str, part: Run, cues: Cues) -> Iterator[Span]:
    """What tells by its check digits, or by the form in which it is written."""
    digits = "".join(item.chars for item in part)
    start, end = part[0].start, part[-1].end
    if len(digits) < 8 or _is_stuck(text, start):
        return
    names = cues.before(start)
    denied = cues.denied(start)
    if len(digits) >= _CARD_MIN and (cards := _cards(part, names, denied)):
        yield from _with_rest(part, cards)
        return
    if 8 <= len(digits) <= 15 and _PLUS.search(text, max(0, start - 6), start):
        yield Span(start, end, "phone")
    elif not denied and (not names or names[0] not in _CODES):
        found = [Span(*m.span(), "ssn") for m in _SSN_FORM.finditer(text, start, end) if is_ssn(_bare(m[0]))]
        yield from found
        if found:
            return
        dashed = " dash " in text[start:end] and len(part) >= 3
        if len(digits) == 9 and not names and (dashed or _SSN_SPACED.fullmatch(text, start, end)) and is_ssn(digits):
            yield Span(start, end, "ssn")


def _bare(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


_DAYS = (("y", "m", "d"), ("d", "m", "y"), ("m", "d", "y"))
_CUTS = {8: ((4, 6), (2, 4)), 7: ((1, 3), (2, 3)), 6: ((2, 4),), 5: ((1, 3), (2, 3)), 4: ((1, 2),)}


def _is_day(groups: Sequence[str]) -> bool:
    """Day, month and year, in whatever order, in three numbers, digit by digit, or in one of six or eight digits."""
    if len(groups) == 3:
        return _in_order(groups)
    digits = "".join(groups)
    if (len(groups) < 3 and len(digits) not in (6, 8)) or (len(digits) == 4 and digits[:2] in ("19", "20")):
        return False
    return any(_in_order((digits[:a], digits[a:b], digits[b:])) for a, b in _CUTS.get(len(digits), ()))


def _in_order(groups: Sequence[str]) -> bool:
    for order in _DAYS:
        of = dict(zip(order, map(int, groups), strict=True))
        year = groups[order.index("y")]
        if 1 <= of["d"] <= 31 and 1 <= of["m"] <= 12 and (len(year) == 2 or year[:2] in ("19", "20")):
            return True
    return False


def _first(part: Run, count: int, kind: Kind) -> Span | None:
    """The first items, if they are so many digits."""
    size = 0
    for item in part:
        size += len(item.chars)
        if size >= count:
            return Span(part[0].start, item.end, kind) if size == count else None
    return None


def _by_form(text: str, part: Run, card_seen: bool, cues: Cues) -> Iterator[Span]:
    """Without a word that says what it is."""
    start, end = part[0].start, part[-1].end
    size = sum(len(item.chars) for item in part)
    if size < 3 or _is_stuck(text, start) or cues.denied(start):
        return
    if 3 <= size <= 4 and card_seen and "code" in text[max(0, start - 24) : start].lower():
        yield Span(start, end, "cvv")
        return
    if size < 7:
        return
    digits = "".join(item.chars for item in part)
    if digits[:2] == "00" and 11 <= size <= 15 and part[0].kind == "w" and is_phone("+" + digits[2:]):
        yield Span(start, end, "phone")
        return
    begin = start - 1 if start and text[start - 1] == "(" else start
    for match in (*_US_FORM.finditer(text, begin, end), *_ABROAD.finditer(text, begin, end)):
        if is_phone(*_dialled(match[0])):
            yield Span(*match.span(), "phone")


def _dialled(written: str) -> tuple[str, str]:
    """A number, and where it is dialled as it is written."""
    if written.startswith("00"):
        return "+" + written[2:].lstrip(), "US"
    return written, "US" if written[0] != "0" else "DE" if "/" in written or written[1] == "1" else "GB"


def _cards(part: Run, names: Sequence[str], denied: bool) -> list[tuple[int, int]]:
    """Index ranges of the items that are a card. With its cue also what has a wrong digit, or is a part of one."""
    found: list[tuple[int, int]] = []
    n = 0
    while n < len(part):
        after = _card_at(part, n)
        if after and (not denied or [len(item.chars) for item in part[n:after]] == [4, 4, 4, 4]):
            found.append((n, after))
            n = after
        else:
            n += 1
    size = sum(len(item.chars) for item in part)
    if not found and names[:1] == ["card"] and _CARD_MIN <= size <= _CARD_MAX + 8:
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
