"""What begins at a place of a line and is no emphasis: an address, code, a tag, a link; and where it ends. Pure."""

from __future__ import annotations

import re

from services.orchestrator.phrases.flanks import run_end
from services.orchestrator.phrases.inline import LINK, TAG, TARGET, URL_PART

LOOK_AHEAD = 80
"""Characters that an opened link, tag or emphasis is waited for; then it is taken for what it looks like."""

Openers = list[tuple[int, str]]
"""Where each begins that words wait for, and what would close it."""

_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\s"'<>]*+)"""
_TAG_BEGUN = re.compile(
    rf"<(?:/?(?:[a-zA-Z][\w:-]*(?:\s+[\w:-]+\s*=\s*{_VALUE})*+(?:\s+[\w:-]*)?\s*/?)?|!(?:-(?:-.*)?)?)$"
)
_ADDRESS = re.compile(rf"(?:https?|ftp)(?:$|:$|:/$|://{URL_PART}*)", re.IGNORECASE)
_ENTITY = re.compile(r"&[#\w]{0,31}(?:;|$)")
_CITATION = re.compile(r"【[^】]{0,120}(?:】|$)")
_CITED = re.compile(r"【(?:[\d:]*$|.*†)")
_BRACKETS = re.compile(r"[\[\]]")
_LINK = re.compile(LINK)
_LINK_BEGUN = re.compile(r"""\(\s*(<[^<>]*+>?|(?:[^\s()<]++|\([^\s()]*+\)?+)*+)(?:\s+(?:"[^"]*+"?|'[^']*+'?)?)?\s*$""")
_LABEL = re.compile(r"\[(?:\d{0,3}|[a-z][\w .-]{0,30})(\]|$)")


def span(source: str, at: int, openers: Openers) -> tuple[int, int]:
    """The place behind what begins at `at`. When its end is not known yet: 0, and from where on nothing of it would be
    said; then `openers` gets what words wait for."""
    return _KINDS.get(source[at], _address)(source, at, openers)


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
