"""Where personal data stands in a text, and in lines that follow one another. Pure.

What nobody needs to be told is quick: a line without three digits, a number word or an @ has none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from parley.pii import addresses, dates
from parley.pii.cues import Cues
from parley.pii.kinds import ALL, Kind, Span
from parley.pii.number_words import BETWEEN, NUMBERS
from parley.pii.numbers import numbers

MAX_CHARS = 4_000
"""Looked at in one piece; longer texts are read in pieces that overlap."""
_OVERLAP = 200
_WINDOW_CHARS = 400
"""Of the lines before one that are remembered: a number said over several lines, and the question for it."""
_WINDOW_LINES = 8

_DIGITS = re.compile(r"\d(?:(?:\D{0,3}|(?: [A-Za-z]){1,4} )\d){2}|@|\d{1,2}[ .]+[^\W\d]{3,9}|\dth\b|\d[rn]d\b")
_WORDS = re.compile(r"[^\W\d_]+")
_ORDER: dict[Kind, int] = {"email": 0, "iban": 1, "mbi": 1, "ip": 2, "birthdate": 3, "card": 3}
_TALK = BETWEEN - NUMBERS
_ISO = re.compile(r"(?:19|20)\d{2}[-./](?:0[1-9]|1[0-2])[-./]\d{2}")
_WORTH = NUMBERS | dates.MONTHS | dates.ORDINALS | {"at", "arroba", "arobase", "ät", "klammeraffe"}


def find(text: str, kinds: frozenset[Kind] = ALL) -> list[Span]:
    """Spans in order that do not overlap. The text may be of any length; the time grows with it and not faster."""
    if not _worth(text):
        return []
    spans = [span for piece in _pieces(text) for span in piece]
    return [span for span in _apart(spans) if span.kind in kinds]


def find_in_lines(lines: Sequence[str], kinds: frozenset[Kind] = ALL) -> list[list[Span]]:
    """Spans of each line, of what is said in one of them or over several: the lines are of one call, in order."""
    text = "\n".join(lines)
    found: list[list[Span]] = [[] for _ in lines]
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    for span in find(text, kinds):
        for n in range(bisect_right(starts, span.start) - 1, len(lines)):
            if starts[n] >= span.end:
                break
            begin, end = max(span.start, starts[n]) - starts[n], min(span.end - starts[n], len(lines[n]))
            if begin < end and not _is_talk(lines[n][begin:end]):
                found[n].append(Span(begin, end, span.kind))
    return found


def _is_talk(piece: str) -> bool:
    """Of a number over several lines the "Go on." of the other speaker."""
    return _TALK.issuperset(_words(piece)) and not any(c.isdecimal() for c in piece)


class Window:
    """Lines of one speaker, or of one call, in order: what is said over several of them is found all the same."""

    def __init__(self) -> None:
        self._before: list[str] = []

    def copy(self) -> Window:
        """To look at a line that is not final yet."""
        other = Window()
        other._before = list(self._before)
        return other

    def find(self, line: str, kinds: frozenset[Kind] = ALL) -> list[Span]:
        """Spans in `line`, of which some may have begun in the lines before."""
        before = " ".join(self._before)
        if before:
            before = before[-_WINDOW_CHARS:] + " "
        spans = find(before + line, kinds)
        self._before = [*self._before, line[-_WINDOW_CHARS:]][-_WINDOW_LINES:]
        shift = len(before)
        return [Span(max(0, s.start - shift), s.end - shift, s.kind) for s in spans if s.end > shift]


def _worth(text: str) -> bool:
    if _DIGITS.search(text) or text.count(":") > 2:
        return True
    return not _WORTH.isdisjoint(_words(text))


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text.lower()))


def _pieces(text: str) -> Iterator[list[Span]]:
    if len(text) <= MAX_CHARS:
        yield _whole(text)
        return
    for start in range(0, len(text), MAX_CHARS - _OVERLAP):
        piece = text[start : start + MAX_CHARS]
        yield [Span(s.start + start, s.end + start, s.kind) for s in _whole(piece)]
        if start + MAX_CHARS >= len(text):
            return


def _whole(text: str) -> list[Span]:
    spans = [*addresses.emails(text), *addresses.machines(text)]
    cues = Cues(text)
    days = dates.dates(text, _words(text))
    births = [Span(start, end, "birthdate") for start, end in days if _is_birth(cues, start, end)]
    spans += births
    taken = [(span.start, span.end) for span in spans]
    taken += [day for day in days if not any(day[0] == span.start for span in births) and _plain_day(text, *day)]
    spans += numbers(text, cues, taken)
    return spans


def _is_birth(cues: Cues, start: int, end: int) -> bool:
    before = cues.before(start)
    return before[:1] == ("birthdate",) or (not before and cues.after(end) == "birthdate")


def _plain_day(text: str, start: int, end: int) -> bool:
    """A day that is nobody's birthday is no number; other digits with marks between them may be one all the same."""
    return _ISO.match(text, start, end) is not None or not NUMBERS.issuperset(_words(text[start:end]))


def _apart(spans: list[Span]) -> list[Span]:
    """Of spans that overlap the more certain one, then the longer."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (_ORDER.get(s.kind, 9), s.start - s.end)):
        if span.start < span.end and not any(span.start < other.end and other.start < span.end for other in kept):
            kept.append(span)
    return sorted(kept)
