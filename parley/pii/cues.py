"""The words beside a number that say what it is: "my social is ...", "... that's my cell". Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from parley.pii.cue_words import CUES

BEFORE_CHARS = 64
FAR_CHARS = 180
"""Before the first number behind a cue there may be so much other talk."""
DENIED_CHARS = 24
"""So near a word of something else forbids what is known by its form alone."""
AFTER_CHARS = 40
MOST = 3
"""Cues of one number that are tried, the nearest first."""

Cue = tuple[int, int, str]
"""Start, end, name."""
_SUFFIX = r"(?:[’']?s)?(?:[\s_-]?(?:numbers?|no\b\.?|nr\b\.?|num\b|nummer|número|numéro|#))?(?![^\W\d_])"
_GROUP = re.compile(r"\(\?:([^()]*)\)(?![?])(.*)")
_HEAD = re.compile(r"[^\W\d_](?=~)|a/|[^\W\d_]{3}(?![?*{])|[^\W\d_]{2}(?=[^\W\d_][?*{]|\W|$)")


def _by_head() -> dict[str, tuple[re.Pattern[str], list[str]]]:
    """Of the first letters of a word: all cues that begin so, the longest first, and what each of them speaks of."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, phrases in CUES.items():
        for phrase in re.split(r"\s\|\s+", " ".join(phrases.split())):
            group = _GROUP.match(phrase)
            for each in [word + group[2] for word in group[1].split("|")] if group else [phrase]:
                head = _HEAD.match(each)
                assert head is not None, each
                found.setdefault(head[0], []).append((each, name))
    return {head: _together(sorted(all_, key=_longest)) for head, all_ in found.items()}


def _longest(named: tuple[str, str]) -> int:
    return -len(named[0])


def _together(named: list[tuple[str, str]]) -> tuple[re.Pattern[str], list[str]]:
    each = (phrase.replace(" ", r"[\s_-]?").replace("~", "[./ ]{1,2}") for phrase, _ in named)
    return re.compile(f"(?:({')|('.join(each)})){_SUFFIX}"), [name for _, name in named]


_BY_HEAD = _by_head()
_WORD = re.compile(r"[A-ZÄÖÜ]?[^\W\d_A-ZÄÖÜ]+|[A-ZÄÖÜ]+")
"""Also one of `dateOfBirth`."""
_AFTER = re.compile(
    r"[\s,.;]*(?:and |so |yes )?(?:(?:that|this|which|it)(?:'?s| is)|is|are|was|as|of|would be|das ist|ist|es|c'est)\b"
    r"[^.?!\d]{0,14}?\b(?:my|mine|the|our|her|his|your|their|when|meine?|mi|mon|ma)\b"
    r"|\s*\(|\s+(?=on the |on my (?:cell|mobile|phone)|geboren)"
    r"|,? (?P<next>(?:(?:the|my|his|her) |(?=call |text |ring |reach )))",
    re.IGNORECASE,
)
"""`next`: the cue must stand right behind."""
_OTHER = re.compile(r"""[,;&|{]\s*["']?[\w .-]{1,24}["']?\s?[:=]|\s[\w.-]{1,24}=|\w\s?\|\s""")
"""The next key, or cell: what stands behind it is of another field."""
_HEADER = re.compile(r"(?:[\w .#/-]{1,30}([,;\t|]))(?:[\w .#/-]{1,30}\1)*[\w .#/-]{1,30}(?=\n)")


class Cues:
    """Of one text: where each ends, and what it speaks of. Looked for when they are asked for first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._made: tuple[list[Cue], list[int]] | None = None
        self._last: tuple[int, int, tuple[str, ...]] = (-1, 0, ())

    def _found(self) -> tuple[list[Cue], list[int]]:
        if self._made is None:
            found = list(_cues(self._text))
            if "\n" in self._text:
                found = sorted([*found, *_columns(self._text, found)], key=lambda cue: cue[1])
            self._made = found, [end for _, end, _ in found]
        return self._made

    def before(self, start: int, since: int = 0) -> tuple[str, ...]:
        """What the cues before `start` say, the nearest first; "" ends them: that it is nothing personal. `since`: what
        stands before it speaks of another number if it is not near."""
        if self._last[:2] != (start, since):
            self._last = start, since, self._before(start, since)
        return self._last[2]

    def _before(self, start: int, since: int) -> tuple[str, ...]:
        found, ends = self._found()
        names: list[str] = []
        n = bisect_right(ends, start)
        while n and len(names) < MOST and "" not in names:
            n -= 1
            far, name = start - ends[n], found[n][2]
            if far > FAR_CHARS or (far > BEFORE_CHARS and ends[n] < since) or _OTHER.search(self._text, ends[n], start):
                break
            if name not in names:
                names.append(name)
        return tuple(names)

    def end_before(self, start: int) -> int:
        """Where the nearest cue before `start` ends."""
        ends = self._found()[1]
        n = bisect_right(ends, start)
        return ends[n - 1] if n else 0

    def covers(self, at: int) -> bool:
        """A cue stands there, as in "M R N"."""
        found, ends = self._found()
        n = bisect_right(ends, at)
        return n < len(found) and found[n][0] <= at

    def denied(self, start: int, since: int = 0) -> bool:
        """A word of something that is nothing personal stands right before."""
        return self.before(start, since)[:1] == ("",) and start - self.end_before(start) <= DENIED_CHARS

    def after(self, end: int) -> str | None:
        """What a phrase such as "that's my cell" right behind `end` says."""
        match = _AFTER.match(self._text, end)
        if match is None:
            return None
        for begin, _, name in self._found()[0]:
            if begin >= match.end() - 7 and name:
                return name if begin <= (match.end() if match["next"] else end + AFTER_CHARS) else None
        return None


def _cues(text: str) -> Iterator[Cue]:
    low, until = text.lower(), 0
    if len(low) != len(text):  # a letter that has another length in lower case
        low = text
    for word in _WORD.finditer(text):
        start, end = word.span()
        if start < until:
            continue
        if end - start == 1:
            named = _BY_HEAD.get(low[start : end + 1]) or _BY_HEAD.get(low[start])
        else:
            named = _BY_HEAD.get(low[start : start + 3]) or _BY_HEAD.get(low[start : start + 2])
        if named is not None and (match := named[0].match(low, start)) is not None:
            assert match.lastindex is not None
            until = match.end()
            yield start, until, named[1][match.lastindex - 1]


def _columns(text: str, found: list[Cue]) -> Iterator[Cue]:
    """Of a table whose first line names its columns: a cue before each cell."""
    header = _HEADER.match(text)
    if header is None:
        return
    mark, at = header[1], header.end() + 1
    named = {header[0].count(mark, 0, start): name for start, end, name in found if end <= header.end() and name}
    for line in text[at:].split("\n"):
        cells, begin = line.split(mark), at
        if len(cells) != header[0].count(mark) + 1:
            return
        for n, cell in enumerate(cells):
            if n in named:
                yield begin, begin, named[n]
            begin += len(cell) + 1
        at += len(line) + 1
