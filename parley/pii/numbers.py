"""What the numbers and codes of a text are: by themselves, or by the words beside them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from parley.pii.checks import is_routing
from parley.pii.cues import Cues
from parley.pii.forms import certain, checked_code, likely
from parley.pii.kinds import Span
from parley.pii.parts import chars, numeric, parted
from parley.pii.reading import Run, runs
from parley.pii.told import AHEAD, CODES, told

_LEAST = 3
_PRICE = re.compile(r"[$€£]\s?$")
_UNIT = re.compile(
    r"\s?(?:%|percent|dollars?|euros?|pounds?|bucks|cents?|points?|ms|seconds?|minutes?|hours?|days?|weeks?|years?|"
    r"bytes|kb|mb|gb|units?|miles|km|users?|visitors|times|people|pieces|items|rows|entries|lines|seats|likes|members|"
    r"requests|steps|colou?rs)\b",
    re.IGNORECASE,
)
_OF_ANOTHER = frozenset(CODES)


def numbers(text: str, cues: Cues, taken: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Spans of all kinds that are numbers or codes; `taken`: where other kinds stand already."""
    card_seen, since = False, 0
    for run in runs(text, loose=True):
        if len(chars(run)) < _LEAST:
            continue
        for piece in _pieces(run, cues, taken):
            if len(chars(piece)) < _LEAST:
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
        other = any(start < item.end and item.start < end for start, end in taken)
        if other or (not item.numeric and cues.covers(item.start)):
            if piece:
                yield piece
            piece = []
        else:
            piece.append(item)
    if piece:
        yield piece


def _of_run(text: str, run: Run, cues: Cues, card_seen: bool, since: int) -> Iterator[Span]:
    coded = checked_code(run)
    known = (
        [coded] if coded else [span for part in numeric(run) for span in certain(text, part, cues, since, _OF_ANOTHER)]
    )
    yield from known
    run = _without_amount(text, [item for item in run if not any(s.start <= item.start < s.end for s in known)])
    if not run:
        return
    names = _names(text, run, cues, since)
    if "routing" in names and (span := _routing(run)) is not None:
        yield span
        names.remove("routing")
        run = [item for item in run if item.start >= span.end]
    for name in names if run else ():
        if (spans := told(text, run, name, cues)) or name in AHEAD:
            yield from spans
            return
    for part in numeric(run):
        yield from likely(text, part, card_seen, cues, since)


def _names(text: str, run: Run, cues: Cues, since: int) -> list[str]:
    """What the run may be, by the words around it, in the order in which it is to be tried."""
    names = list(cues.before(run[0].start, since))
    if (not names or names[0] in ("", "number", "it")) and (after := cues.after(run[-1].end)) is not None:
        names.insert(0, "cvv" if after == "back" else after)
    if "it" in names:  # "the number" of what was spoken of before, else of a telephone
        names.remove("it")
        names += ["it"] if "" not in names else []
    return names


def _routing(run: Run) -> Span | None:
    """Nine digits with their check digit, at the head of a part."""
    for part in numeric(run):
        head = parted(part, 9)[0]
        if is_routing(chars(head)):
            return Span(head[0].start, head[-1].end, "routing")
    return None


def _without_amount(text: str, run: Run) -> Run:
    """Without a number at its end that has a unit behind it; nothing of a price."""
    if not run or _PRICE.search(text, max(0, run[0].start - 2), run[0].start):
        return []
    if run[-1].numeric and _UNIT.match(text, run[-1].end):
        last = len(run) - 1
        while last and run[last].kind == "d" and text[run[last - 1].end : run[last].start] in (" ", "."):
            last -= 1
        return run[:last]
    return run
