"""How far a line's markup is certain while more of the line is to come. Pure.

What was opened may become markup, or not: it is waited for, within bounds. For what would not be said in any case, the
target of a link or the inside of a tag, it is waited longer, since no words wait with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from parley.punctuation import CLAUSES, CLOSING, ENDS, SPACED_CLAUSES, SPACED_ENDS, UNSPACED
from services.orchestrator.flanks import flanks, run_end
from services.orchestrator.inline import LINK, TAG, TARGET, URL_PART, plain

LOOK_AHEAD = 80
"""Characters that an opened link, tag or emphasis is waited for; then it is taken for what it looks like."""
HIDDEN = 2000
"""The same, of what is for the eye only."""
RUN = 60
"""Characters without a space that a word may have."""

_BORDER = re.compile(
    rf"\s|[{ENDS}{CLAUSES}](?![\d{ENDS}{CLAUSES}{re.escape(CLOSING)}])|[{SPACED_ENDS}{SPACED_CLAUSES}](?=[{UNSPACED}])"
)
_MARK = re.compile(r"[*_~`<\[\]\\&【]|(?<![^\W_])(?:https?|ftp)", re.IGNORECASE)
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\s"'<>]*+)"""
_TAG_BEGUN = re.compile(
    rf"<(?:/?(?:[a-zA-Z][\w:-]*(?:\s+[\w:-]+\s*=\s*{_VALUE})*+(?:\s+[\w:-]*)?\s*/?)?|!(?:-(?:-.*)?)?)$"
)
_ADDRESS = re.compile(rf"(?:https?|ftp)(?:$|:$|:/$|://{URL_PART}*)", re.IGNORECASE)
_ADDRESS_ENDED = re.compile(rf"(?:https?|ftp)://\S+\.\S+[.!][{re.escape(CLOSING)}]*$", re.IGNORECASE)
_ENTITY = re.compile(r"&[#\w]{0,31}(?:;|$)")
_CITATION = re.compile(r"【[^】]{0,120}(?:】|$)")
_CITED = re.compile(r"【(?:[\d:]*$|.*†)")
_BRACKETS = re.compile(r"[\[\]]")
_LINK = re.compile(LINK)
_LINK_BEGUN = re.compile(
    r"""\(\s*(<[^<>]*+>?|(?:[^\s()<]++|\([^\s()]*+\)?+)*+)(?:\s+(?:"[^"]*+"?|'[^']*+'?)?)?\s*$"""
)
_LABEL = re.compile(r"\[(?:\d{0,3}|[a-z][\w .-]{0,30})(\]|$)")


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
        found.word = _border(source, at, begin) or found.word
        found.border = found.border if openers else found.word
        if openers and begin - openers[0][0] > LOOK_AHEAD:
            return found.ended(source, begin, begin)
        if char in "*_~":
            at = run_end(source, begin)
            if at == end:
                return found.ended(source, begin, begin)
            _emphasis(source, begin, at, openers)
        else:
            at, hidden = _KINDS.get(char, _address)(source, begin, openers)
            if not at:
                return found.ended(source, begin, hidden)
    found.word = _border(source, at, end) or found.word
    found.border = found.border if openers else found.word
    return found.ended(source, end, end)


Openers = list[tuple[int, str]]


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


# Each gives the place behind what begins at `at`. When its end is not known yet: 0, and from where on nothing of it
# would be said.


def _address(source: str, at: int, _: Openers) -> tuple[int, int]:
    address = _ADDRESS.match(source, at)
    if address is None:
        return at + 1, at
    return (address.end(), at) if address.end() < len(source) else (0, at)


def _escape(source: str, at: int, _: Openers) -> tuple[int, int]:
    return (at + 2, at) if at + 2 <= len(source) else (0, at)


def _entity(source: str, at: int, _: Openers) -> tuple[int, int]:
    entity = _ENTITY.match(source, at)
    if entity is None:
        return at + 1, at
    return (entity.end(), at) if entity[0].endswith(";") else (0, at)


def _code(source: str, at: int, openers: Openers) -> tuple[int, int]:
    begin = run_end(source, at)
    marks = source[at:begin]
    if begin == len(source):
        return 0, at
    if close := re.compile(f"(?<!`){marks}(?!`)").search(source, begin):
        return close.end(), at
    openers.append((at, marks))
    return 0, len(source)


def _tag(source: str, at: int, _: Openers) -> tuple[int, int]:
    if tag := TAG.match(source, at):
        return tag.end(), at
    return (0, at) if _TAG_BEGUN.match(source, at) else (at + 1, at)


def _citation(source: str, at: int, _: Openers) -> tuple[int, int]:
    citation = _CITATION.match(source, at)
    if citation is None:
        return at + 1, at
    if citation[0].endswith("】"):
        return citation.end(), at
    return 0, at if _CITED.match(citation[0]) else len(source)


def _bracket(source: str, at: int, openers: Openers) -> tuple[int, int]:
    """A link, or brackets that are content, with what is in them."""
    end = len(source)
    if source.startswith("[![", at):
        return at + 1, at  # a picture, and then the rest of a link
    close = _matching(source, at)
    if close < 0:
        return (0, end) if end - at <= LOOK_AHEAD else (at + 1, at)
    if close + 1 == end:
        return 0, end
    if source[close + 1] == "(":
        behind, sure = _target(source, close + 1)
        if behind:
            return behind if behind > 0 else at + 1, at
        if sure:
            openers.append((at, "]()"))
        return 0, close if sure else end
    if label := _LABEL.match(source, close + 1):
        return (label.end(), at) if label[1] else (0, end)
    return at + 1, at


def _matching(source: str, at: int) -> int:
    """The bracket that closes this one, if it comes soon; else -1."""
    depth = 0
    for bracket in _BRACKETS.finditer(source, at, at + LOOK_AHEAD):
        depth += 1 if bracket[0] == "[" else -1
        if not depth:
            return bracket.start()
    return -1


def _target(source: str, at: int) -> tuple[int, bool]:
    """Behind a link's target, which begins with the parenthesis at `at`; 0: its end is not known yet, -1: it is none.
    And whether it surely is one."""
    if link := _LINK.match(source, at):
        return (link.end(), True) if TARGET.fullmatch(link[1]) else (-1, False)
    if link := _LINK_BEGUN.match(source, at):
        return 0, bool(link[1] and TARGET.fullmatch(link[1]))
    return -1, False


def _rest(source: str, at: int, _: Openers) -> tuple[int, int]:
    """The rest of a link whose text was not waited for any longer."""
    if at + 1 == len(source):
        return 0, at
    behind, sure = _target(source, at + 1) if source[at + 1] == "(" else (-1, False)
    if behind:
        return behind if behind > 0 else at + 1, at
    return 0, at if sure else len(source)


_KINDS = {
    "\\": _escape,
    "&": _entity,
    "`": _code,
    "<": _tag,
    "【": _citation,
    "[": _bracket,
    "]": _rest,
}
