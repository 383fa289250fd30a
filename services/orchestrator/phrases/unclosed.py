"""How far a line's markup is certain while more of the line is to come. Pure.

What was opened may become markup, or not: it is waited for, within bounds. For what would not be said in any case, the
target of a link or the inside of a tag, it is waited longer, since no words wait with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from parley.text.punctuation import CLAUSES, CLOSING, ENDS, SPACED_CLAUSES, SPACED_ENDS, UNSPACED
from services.orchestrator.phrases.flanks import flanks, run_end
from services.orchestrator.phrases.inline import plain
from services.orchestrator.phrases.spans import LOOK_AHEAD, Openers, span

HIDDEN = 2000
"""Characters that are waited for, like `LOOK_AHEAD`, of what is for the eye only."""
RUN = 60
"""Characters without a space that a word may have."""

_BORDER = re.compile(
    rf"\s|[{ENDS}{CLAUSES}](?![\d{ENDS}{CLAUSES}{re.escape(CLOSING)}])|[{SPACED_ENDS}{SPACED_CLAUSES}](?=[{UNSPACED}])"
)
_MARK = re.compile(r"[*_~`<\[\]\\&【]|(?<![^\W_])(?:https?|ftp)", re.IGNORECASE)
_ADDRESS_ENDED = re.compile(rf"(?:https?|ftp)://\S+\.\S+[.!][{re.escape(CLOSING)}]*$", re.IGNORECASE)


@dataclass(slots=True)
class Open:
    """What of a line is not closed, and how far it is certain."""

    border: int = 0
    """Behind the last word that ends before anything that is open."""
    word: int = 0
    """The same, of what is open too, but not inside of a link, a tag or the like."""
    begin: int = 0
    """Of the first thing that may become markup; the end if there is none."""
    hidden: int = 0
    """From here on nothing would be said, as far as is known; the end if there is nothing of that kind."""
    openers: list[tuple[int, str]] = field(default_factory=list)
    """Where each begins that words wait for, and what would close it."""

    def passed(self, source: str, begin: int, end: int) -> None:
        """Nothing in this part opens or closes anything."""
        if border := _border(source, begin, end):
            self.word = border
            self.border = self.border if self.openers else border

    def ended(self, source: str, at: int, hidden: int) -> Open:
        if hidden == len(source):
            self.word = max(self.word, source.rfind(" ", at) + 1)
        self.begin = min(self.openers[0][0] if self.openers else at, at)
        self.hidden = hidden
        return self

    def closers(self, size: int) -> str:
        """What closes the first `size` characters."""
        return "".join(mark for at, mark in reversed(self.openers) if at < size)


def closed(line: str) -> bool:
    """Whether nothing was opened in a whole line that the next one may close."""
    return plain(line) or not scan(f"{line}\n").openers


def settled(source: str) -> tuple[int, str]:
    """How many characters of it, whole words, will be said as they look now, whatever follows; and what is to be put
    behind them for that, when something opened was waited for in vain."""
    if plain(source):
        return _run(source, _border(source, 0, len(source)), len(source)), ""
    found = scan(source)
    if found.hidden - found.begin > LOOK_AHEAD:
        size = found.word if found.word > found.begin else found.hidden
        return size, found.closers(size)
    if len(source) - found.hidden > HIDDEN:
        return len(source), found.closers(len(source))
    return _run(source, found.border, found.begin), ""


def frozen(source: str, whole: bool) -> tuple[int, str]:
    """The same when no more is waited for: all but what would not be said. `whole`: with the last word, though it may
    be but the beginning of one."""
    found = scan(source)
    size = found.hidden if whole or found.hidden < len(source) else found.word
    if whole and _ADDRESS_ENDED.match(source, size):
        size = len(source)
    return size, found.closers(size)


def _run(source: str, border: int, begin: int) -> int:
    """Up to the border; but further in a word that is longer than any."""
    return border if len(source) - border <= RUN or begin <= border else begin


def _border(source: str, begin: int, end: int) -> int:
    """Behind the last word that ends in this part, or 0."""
    return max((border.end() for border in _BORDER.finditer(source, begin, end)), default=0)


@lru_cache(64)  # asked again for the same line
def scan(source: str) -> Open:
    """Read a line from its beginning, but not further than what is opened may be waited for."""
    found, at, end = Open(), 0, len(source)
    openers = found.openers
    while mark := _MARK.search(source, at):
        begin, char = mark.start(), mark[0]
        found.passed(source, at, begin)
        if openers and begin - openers[0][0] > LOOK_AHEAD:
            return found.ended(source, begin, begin)
        if char in "*_~":
            at = run_end(source, begin)
            if at == end:
                return found.ended(source, begin, begin)
            _emphasis(source, begin, at, openers)
        else:
            at, hidden = span(source, begin, openers)
            if not at:
                return found.ended(source, begin, hidden)
    found.passed(source, at, end)
    return found.ended(source, end, end)


def _emphasis(source: str, begin: int, end: int, openers: Openers) -> None:
    """A mark opens, or closes the last of its kind. Runs of several are left out in any case, so no words wait."""
    char = source[begin]
    if char == "~" or (char == "*" and end - begin > 1):
        return
    opens, closes = flanks(source, begin, end)
    mates = [n for n, (_, mark) in enumerate(openers) if mark[0] == char]
    if closes and mates:
        del openers[mates[-1] :]
    elif opens:
        openers.append((begin, source[begin:end]))
