"""What a row of digits and letters tells by itself: by check digits, and by the form in which it is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from parley.pii.checks import MBI, is_card, is_iban, is_phone, is_ssn
from parley.pii.cues import Cues
from parley.pii.kinds import Span
from parley.pii.parts import chars, is_corrected, is_stuck
from parley.pii.reading import Run

CARD_MIN, CARD_MAX = 12, 19
_GROUPS = [4, 4, 4, 4]
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_SSN_SPACED = re.compile(r"\d{3} \d{2} \d{4}")
_US = r"(?<![\d.-])(?:1[ .-])?\(?\b[2-9]\d{2}\)?[ .-]{1,2}[2-9]\d{2}[ .-]\d{4}\b"
_ABROAD = (
    r"00 ?[1-9][\d ()-]{8,16}",
    r"0\d{2,5}/[\d -]{5,9}",
    r"01[5-7]\d[- ]\d{7,8}",
    r"07\d{3} \d{3} ?\d{3}",
    r"0\d{2,3} \d{3,4} \d{4}",
    r"0\d{4} \d{5,6}",
    r"0[2-9]\d{1,3}[ -]\d{6,8}",
    r"\(0\d{1,4}\) ?\d[\d -]{5,9}",
    r"0[1-9](?: \d\d){4}",
)
"""International, German, British and French."""
_PHONES = re.compile(rf"{_US}|(?<![\w.-])(?:{'|'.join(_ABROAD)})(?<=\d)(?![\w-])")
_PLUS = re.compile(r"(?:\+\s?\(?|\bplus )$", re.IGNORECASE)
PHONE_MIN, PHONE_MAX = 7, 15


def checked_code(run: Run) -> Span | None:
    """An IBAN or an MBI, wherever in the run it stands."""
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


def certain(text: str, part: Run, cues: Cues, since: int, of_another: frozenset[str]) -> Iterator[Span]:
    """A card, a social security number with its hyphens, a telephone number with its plus. `of_another`: kinds of which
    a number may look like a social security number; `since`: as in `Cues.before`."""
    digits = chars(part)
    start, end = part[0].start, part[-1].end
    if len(digits) < 8 or is_stuck(text, start):
        return
    names, denied = cues.before(start, since), cues.denied(start, since)
    if names[:1] == ("card",) and CARD_MIN < len(digits) <= 2 * CARD_MAX and is_corrected(text, start, end):
        yield Span(start, end, "card")
    elif len(digits) >= CARD_MIN and (cards := _cards(part, names, denied)):
        yield from _with_rest(part, cards)
    elif len(digits) <= PHONE_MAX and _PLUS.search(text, max(0, start - 6), start):
        yield Span(start, end, "phone")
    elif not denied and (not names or names[0] not in of_another):
        found = [Span(*m.span(), "ssn") for m in _SSN.finditer(text, start, end) if is_ssn(m[0].replace("-", ""))]
        dashed = " dash " in text[start:end] and len(part) >= 3
        if len(digits) == 9 and not names and (dashed or _SSN_SPACED.fullmatch(text, start, end)) and is_ssn(digits):
            found = [Span(start, end, "ssn")]
        yield from found


def likely(text: str, part: Run, card_seen: bool, cues: Cues, since: int) -> Iterator[Span]:
    """What looks like a telephone number, and no word says that it is something else; the code behind a card."""
    digits = chars(part)
    start, end = part[0].start, part[-1].end
    if len(digits) < 3 or is_stuck(text, start) or cues.denied(start, since):
        return
    if len(digits) <= 4:
        if card_seen and "code" in text[max(0, start - 24) : start].lower():
            yield Span(start, end, "cvv")
    elif digits[:2] == "00" and 11 <= len(digits) <= PHONE_MAX and part[0].kind == "w" and is_phone("+" + digits[2:]):
        yield Span(start, end, "phone")
    elif len(digits) >= PHONE_MIN:
        begin = start - 1 if start and text[start - 1] == "(" else start
        found = _PHONES.finditer(text, begin, end)
        yield from (Span(*match.span(), "phone") for match in found if is_phone(*_dialled(match[0])))


def _dialled(written: str) -> tuple[str, str]:
    """A number, and where it is dialled as it is written."""
    if written.startswith("00"):
        return "+" + written[2:].lstrip(), "US"
    return written, "DE" if written.lstrip("(").startswith("0") else "US"


def _cards(part: Run, names: Sequence[str], denied: bool) -> list[tuple[int, int]]:
    """Index ranges of the items that are a card. With its cue also what has a wrong digit, or is a part of one."""
    found: list[tuple[int, int]] = []
    n = 0
    while n < len(part):
        after = _card_at(part, n)
        if after and (not denied or [len(item.chars) for item in part[n:after]] == _GROUPS):
            found.append((n, after))
            n = after
        else:
            n += 1
    if not found and names[:1] == ("card",) and len(chars(part)) <= CARD_MAX + 8:
        return [(0, len(part))]
    return found


def _card_at(part: Run, n: int) -> int:
    """After how many items a card ends that begins at the n-th; 0: none begins."""
    digits, after = "", 0
    for i, item in enumerate(part[n:], n + 1):
        digits += item.chars
        if len(digits) > CARD_MAX:
            break
        if len(digits) >= CARD_MIN and is_card(digits):
            after = i
    return after


def _with_rest(part: Run, cards: list[tuple[int, int]]) -> Iterator[Span]:
    """What follows in one breath is the date it ends and its code."""
    for n, (first, after) in enumerate(cards):
        yield Span(part[first].start, part[after - 1].end, "card")
        until = cards[n + 1][0] if n + 1 < len(cards) else len(part)
        rest: Run = part[after:until]
        if 3 <= len(chars(rest)) <= 10:
            yield Span(rest[0].start, rest[-1].end, "cvv")
