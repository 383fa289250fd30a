"""Parts of what was read that are digits alone, and what they are together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from parley.pii.number_words import CORRECTED
from parley.pii.reading import Run, runs

_CORRECTED = re.compile(rf"\b(?:{'|'.join(CORRECTED)})\b", re.IGNORECASE)


def chars(run: Run) -> str:
    """All of it in one: "4242", "C01X00T47"."""
    return "".join(item.chars for item in run)


def numeric(run: Run) -> Iterator[Run]:
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


def parted(part: Run, count: int) -> tuple[Run, Run]:
    """The first items that are so many digits or more, and the others."""
    size = 0
    for n, item in enumerate(part, 1):
        size += len(item.chars)
        if size >= count:
            return part[:n], part[n:]
    return part, []


def is_corrected(text: str, start: int, end: int) -> bool:
    """Something in it is taken back: it has more digits than it seems."""
    return _CORRECTED.search(text, start, end) is not None


def is_stuck(text: str, start: int) -> bool:
    """A piece of a longer word: `SN-8827`, `x=3f9`."""
    return start > 1 and text[start - 1] in "-_" and (text[start - 2].isalpha() or text[start - 2] == "_")


def digits_of(text: str, single: bool = False) -> list[tuple[int, int, str]]:
    """All digits that are written or spoken in a text, run by run: where each run stands, and what it is. `single`: a
    lone number word too, but for those that are other words as well, and the digits in a word of both."""
    found: list[tuple[int, int, str]] = []
    for run in runs(text, single):
        for part in _plain(_with_digits_alone(run) if single else run):
            found.append((part[0].start, part[-1].end, chars(part)))
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


def _plain(run: Run) -> Iterator[Run]:
    part: Run = []
    for item in run:
        if item.numeric:
            part.append(item)
        elif part:
            yield part
            part = []
    if part:
        yield part
