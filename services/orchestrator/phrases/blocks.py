"""What a line of Markdown is, by how it begins. Pure."""

from __future__ import annotations

import re

_ROUND = "•◦▪▫●○■‣⁃"
"""Bullets that are nothing else, so they need no space behind them."""
_FLAT = "*+·–—-"

HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+")
QUOTE = re.compile(r"[ \t]*>(?![\d.,$€£¥₹-])[ \t]?")
BULLET = re.compile(rf"[ \t]*(?:[{_FLAT}][ \t]+|[{_ROUND}][ \t]*)(?:\[[ xX]\][ \t]+)?")
NUMBER = re.compile(r"([ \t]*)(\d{1,9})([.)])[ \t]+(?=\S)")
NUMBER_ALONE = re.compile(r"[ \t]*(\d{1,9})[.)][ \t]*\Z")
BLANK = re.compile(r"[ \t]*\n")
BAR = re.compile(r"[ \t]*\|")
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`\n]*)\n")
_FENCE_BEGUN = re.compile(r"[ \t]*(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^`\n]{0,40})\Z")
NOTE = re.compile(r"[ \t]*\[\^\w{1,20}\]:[ \t]*")
_LEADS = "<?(?:https?://|mailto:|[/#][a-z])"
_DEFINITION = re.compile(rf"[ \t]*\[[^\]\n]{{1,60}}\]:[ \t]*{_LEADS}[^\n]*\n")
"""Of an address that links elsewhere in the answer refer to; `[Order]: #4821` is none."""
_DEFINITION_BEGUN = re.compile(
    rf"[ \t]*\[[^\]\n]{{1,60}}\](?::[ \t]*(?:<?(?:\w{{0,6}}:?/?|[/#])|{_LEADS}[^\n]{{0,2000}})?)?\Z"
)
_BRACKET_BEGUN = re.compile(r"[ \t]*\[[^\]\n]{0,60}\Z")
_MARK = re.compile(r"[ \t]*[-*_=:|]")
_MARKS = re.compile(r"[-*_=:| \t]+\Z")
_UNDECIDED = re.compile(
    rf"[ \t]*(?:#{{0,6}}|>?|[{_FLAT}{_ROUND}]?[ \t]*|[-+*][ \t]+\[?[ xX]?\]?[ \t]*|\d{{1,9}}(?:[.)][ \t]*)?)\Z"
)
_BLOCK = re.compile(
    rf"[ \t]*(?:#{{1,6}}[ \t]|>|[{_FLAT}][ \t]|[{_ROUND}]|\d{{1,9}}[.)][ \t]|`{{3}}|~{{3}}|\||\n"
    r"|(?:[-*_=][ \t]*){3,}\n)"
)


def undecided(source: str) -> bool:
    """Whether more of a line must be seen to know what it is."""
    return wordless(source) or _BRACKET_BEGUN.match(source) is not None


def wordless(source: str) -> bool:
    """The same, of what can be waited for, since no words wait with it."""
    return any(begun.match(source) for begun in (_UNDECIDED, _MARKS, _FENCE_BEGUN, _DEFINITION_BEGUN))


def begins(source: str) -> bool:
    """Whether something else begins with this line than more of the text before."""
    return _BLOCK.match(source) is not None


def dividing(source: str) -> int:
    """Length of a first line that only divides: `---`, `===`, or what a table has under its heads; or of one that only
    tells where links lead. 0: it says more."""
    if definition := _DEFINITION.match(source):
        return definition.end()
    if not _MARK.match(source):
        return 0
    line, newline, _ = source.partition("\n")
    marks = set(line) - set(" \t")
    divides = len(marks) == 1 and marks <= set("-*_=") and line.count(min(marks)) >= 3
    return len(line) + 1 if newline and (divides or {"-", "|"} <= marks <= set("-:|")) else 0
