"""Markup inside a line, as models write it: what of it is for the eye only, and how far that is certain. Pure.

The parser is markdown-it (CommonMark). Where CommonMark would take away what a caller must hear, it is told otherwise:
`3*4*5` and `__init__.py` are no emphasis, `<ten and five>` is no tag, and what was never closed is no markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from parley.punctuation import CLAUSES, CLOSING, ENDS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOOK_AHEAD = 80
"""Characters that an opened link, tag or emphasis is waited for; then it is taken for what it looks like."""
ADDRESS_AHEAD = 500
"""The same, for the address of a link or a picture."""
RUN = 60
"""Characters without a space that a word may have."""

_BORDER = re.compile(rf"\s|[{re.escape(ENDS + CLAUSES)}](?![{re.escape(ENDS + CLAUSES + CLOSING)}])")
_TAGS = _words(
    """
    a abbr article b big blockquote body br button center cite code del details div dl dd dt em emphasis figure font
    footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd label li link main mark meta nav ol p phoneme pre
    prosody q s samp say-as section small span speak strike strong style sub summary sup table tbody td tfoot th
    thead time title tr tt u ul var voice audio break sentence
    answer response reply output final message assistant say speech text
    """
)
"""HTML and SSML, and the wrappers that models put around an answer. Any other <word> may be content."""
_BREAKS = _words(
    """
    article blockquote br break caption dd details div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p
    pre section summary table tbody td tfoot th thead title tr ul
    """
)
_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]*)")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>\n]*|!--.*?--)>")
_TAG_BEGUN = re.compile(r"<(?:/?[a-zA-Z][^<>\n]*|!(?:-.*)?|/)?$")
_URL = re.compile(r"(?:https?|ftp)://(?:www\.)?([^\s<>\"'\[\]{}|`，。、；！？（）「」]+)", re.IGNORECASE)
_URL_TAIL = ".,;:!?*_~"
_ADDRESS = re.compile(r"(?:https?|ftp)(?:$|:$|:/$|://\S*)|&[#\w]{0,31}(?:;|$)", re.IGNORECASE)
_REFERENCE = re.compile(r"(?<!\w)\[([^\[\]]*[^\W\d_][^\[\]]*)\]\[[^\[\]]{0,40}\]")
_CITATION = re.compile(r"【[^】]{0,40}†[^】]{0,40}】|\[\^\w{1,8}\]")
_EYE = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u25a0-\u25ff\u2300-\u23ff\ufe0e\ufe0f\u200d\u20e3\u3030\u303d"
    "\u3297\u3299\U000e0020-\U000e007f\u200b\u2060\ufeff\u00ad]"
)
"""Pictures, and what is not seen at all; of a keycap the digit stays."""
# Left over, because nothing closed them: stars on one side of a word, tildes in pairs, single backticks.
_LEFT_OVER = re.compile(
    r"(?<![\w)\]*])\*+(?=[^\s*\d])|(?<=[^\s*])\*+(?![\w*(])|\*{2,}|~~|`+|\]\((?:https?://|mailto:|tel:|/|#)[^)\s]*\)"
)
_SPECIAL = re.compile(
    r"[*_~`<\[\]\\&【\u200b\u2060\ufeff\u00ad]|https?|ftp|[\u200d\u20e3\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff]"
    r"|[\u3030\u303d\u3297\u3299\ufe0e\ufe0f\U0001f000-\U000fffff]",
    re.IGNORECASE,
)
_STRONG = re.compile(r"\*+|_+|~~+")


def plain(source: str) -> bool:
    """Whether nothing in it can be markup."""
    return _SPECIAL.search(source) is None


def spoken(source: str) -> str:
    """What a voice is to say of it. Letters, digits and signs that are content are all kept; white space as it is."""
    if plain(source):
        return source
    text = "".join(_pieces(_PARSER.parseInline(_REFERENCE.sub(r"\1", source))[0].children or []))
    return _EYE.sub("", text)


def closed(source: str) -> bool:
    """Whether nothing in it was opened that may yet become markup."""
    return plain(source) or _scan(source)[0] == len(source)


def settled(source: str) -> int:
    """How many characters of it, whole words, will be said as they now look, whatever follows."""
    if plain(source):
        opened, border = len(source), max((match.end() for match in _BORDER.finditer(source)), default=0)
    else:
        opened, border = _scan(source)
        if len(source) - opened > (ADDRESS_AHEAD if "](" in source[opened:] else LOOK_AHEAD):
            opened, border = len(source), source.rfind(" ", 0, len(source) - 1) + 1
    return border if opened - border <= RUN else opened


def _scan(source: str) -> tuple[int, int]:
    """Where the first thing begins that may yet become markup (the end if there is none), and the last place before
    it, outside of all markup, where a word ends."""
    openers: list[tuple[int, str]] = []
    at, end, border = 0, len(source), 0
    while at < end:
        char = source[at]
        after = at + 1
        if char in "*_~":
            after = at + _run(source, at)
            opens, closes = _flanks(source, at, after)
            mates = [n for n, (_, mark) in enumerate(openers) if mark == char]
            if after == end:
                after = 0
            elif char == "~" and after - at < 2:
                pass
            elif closes and mates:
                del openers[mates[-1] :]
            elif opens:
                openers.append((at, char))
        elif char in "\\`<[&hHfF":
            after = _behind(source, at)
        if not after:
            return (openers[0][0] if openers else at), border
        at = after
        if not openers and _BORDER.match(source, at - 1):
            border = at
    return (openers[0][0] if openers else end), border


def _behind(source: str, at: int) -> int:
    """Behind what begins here, an escape, code, a tag, a link, an address; 0: its end is not known yet."""
    char, end = source[at], len(source)
    if char == "\\":
        return at + 2 if at + 2 <= end else 0
    if char == "`":
        run = _run(source, at)
        close = re.compile(rf"(?<!`){'`' * run}(?!`)").search(source, at + run)
        return close.end() if close is not None and close.end() < end else 0
    if char == "[":
        return _link_end(source, at)
    if char == "<":
        tag = _TAG.match(source, at)
        return tag.end() if tag else 0 if _TAG_BEGUN.match(source, at) else at + 1
    address = _ADDRESS.match(source, at) if at == 0 or not source[at - 1].isalnum() else None
    if address is None:
        return at + 1
    return address.end() if address.end() < end else 0


def _run(source: str, at: int) -> int:
    return len(source) - at - len(source[at:].lstrip(source[at]))


def _link_end(source: str, at: int) -> int:
    """Behind a whole link or a pair of brackets that is none; 0: not known yet."""
    depth = 0
    for place in range(at, len(source)):
        if source[place] == "[":
            depth += 1
        elif source[place] == "]":
            depth -= 1
            if not depth:
                if place + 1 == len(source):
                    return 0
                if source[place + 1] not in "([":
                    return at + 1  # brackets that are content, with what is in them
                return source.find(")" if source[place + 1] == "(" else "]", place + 1) + 1
    return 0


def _flanks(source: str, begin: int, end: int) -> tuple[bool, bool]:
    """Whether the run source[begin:end] of `*`, `_` or `~` can open and can close, by what stands beside it.

    As CommonMark has it, but: never inside a number or a word of letters with spaces between words, nor inside a name
    such as `__init__.py`; in scripts without spaces letters beside it do not matter.
    """
    before = source[begin - 1] if begin else " "
    after = source[end] if end < len(source) else " "
    opens, closes = not after.isspace(), not before.isspace()
    if not (opens and closes):
        return opens, closes
    inside = _worded(before), _worded(after)
    if all(inside):
        return False, False
    if any(map(_unspaced, (before, after))):
        return True, True
    if source[begin] == "_":
        beyond = source[end + 1 : end + 2]
        if (after in "./@:\\-(" and (beyond.isalnum() or beyond in ("_", ")"))) or before in "./@:\\":
            return False, False
    return not inside[0], not inside[1]


def _worded(char: str) -> bool:
    """A letter or digit of a script with spaces between words."""
    return (char.isalnum() or unicodedata.category(char)[0] == "M") and not _unspaced(char)


def _unspaced(char: str) -> bool:
    return "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or (
        "\u1780" <= char <= "\u17ff" or "\uac00" <= char <= "\ud7af" or "\U00020000" <= char <= "\U0003ffff"
    )


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Instead of markdown-it's rule: the same with `_flanks`."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    run = _run(state.src[: state.posMax], state.pos)
    opens, closes = _flanks(state.src, state.pos, state.pos + run)
    for _ in range(run):
        state.push("text", "", 0).content = marker
        place = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), run, place, -1, opens, closes))
    state.pos += run
    return True


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"maxNesting": 20}).enable("strikethrough")
    made.inline.ruler.at("emphasis", _emphasis)
    made.core.ruler.disable("text_join")  # keeps what was escaped apart from what is left over
    return made


_PARSER = _parser()


def _pieces(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "text":
                yield _LEFT_OVER.sub("", _CITATION.sub("", _URL.sub(_address, token.content)))
            case "code_inline" | "text_special":
                yield token.content
            case "softbreak" | "hardbreak":
                yield " "
            case "image":
                yield from _pieces(token.children or [])
            case "html_inline":
                yield _tag(token.content)


def _address(match: re.Match[str]) -> str:
    """Host and path, as one says it: without the scheme and what stands behind `?` or `#`."""
    whole = match[1]
    kept = whole.rstrip(_URL_TAIL)
    while kept.endswith(")") and kept.count(")") > kept.count("("):
        kept = kept[:-1].rstrip(_URL_TAIL)
    tail = whole[len(kept) :]
    return re.split(r"[?#]", kept, maxsplit=1)[0].rstrip("/") + tail


def _tag(source: str) -> str:
    if source.startswith("<!--"):
        return ""
    name = _TAG_NAME.match(source)
    if name is None:
        return ""
    if name[1].lower() not in _TAGS and not source.startswith("</"):
        return name[1] if source == f"<{name[1]}>" else source
    return " " if name[1].lower() in _BREAKS else ""
