"""Markup inside a line, as models write it: what of it is for the eye only. Pure.

The parser is markdown-it (CommonMark). Where CommonMark would take away what a caller must hear, it is told otherwise:
`3*4*5` and `__init__.py` are no emphasis, `<b and c>` is no tag, `[call](555-0100)` is no link, and what was never
closed is no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from services.orchestrator.phrases.flanks import flanks, run_end, unspaced


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


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
_BREAKS = _words("br p div li tr td th h1 h2 h3 h4 h5 h6 ul ol table section article hr break summary dd dt button")
_VALUE = r"""\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
TAG = re.compile(rf"<(?:/?([a-zA-Z][\w:-]*)((?:\s+[\w:-]+{_VALUE})*)\s*/?|!--.*?--)>")
"""A word alone in angle brackets, with a value to each attribute: `<b and c>` is none."""

URL_PART = r"[^\s<>\"'\[\]{}|`*，。、；！？（）「」『』【】“”]"
_URL = re.compile(rf"(?:https?|ftp)://(?:www\.)?({URL_PART}+)", re.IGNORECASE)
_URL_TAIL = ".,;:!?_~"
_TRACKING = re.compile(r"(?<=[?&])(?:utm_\w+|gclid|fbclid|msclkid)=[^&#]*&?|#:~:.*")
TARGET = re.compile(r"(?:(?=.*?[a-zA-Z])(?=.*?[/.#:@]).+)?")
"""What a link may lead to: nowhere, an address, a place, a file; but not a number or a word that is said."""
LINK = r"""\(\s*(<[^<>]*+>|(?:[^\s()<]++|\([^\s()]*+\))*+)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
_LINK_END = re.compile(rf"\]{LINK}|\]\((?:https?://|mailto:|tel:|/|#)\S*$")
_CITATION = re.compile(r"【[^】]{0,60}†[^】]{0,60}】|\[\^\w{1,20}\]")
_REFERENCE = re.compile(r"(?:(?<!\w)\[|^)([^\[\]]*[^\W\d][^\[\]]*)\]\[(?:\d{1,3}|[a-z][\w .-]{1,30})?\]")

_PICTURES = (
    r"\U0001f000-\U0001f0ff\U0001f10d-\U0001faff\u2600-\u2775\u2794-\u27bf\u2b00-\u2bff\u25a0-\u25ff\u2300-\u23ff"
    r"\u3030\u303d\u3297\u3299"
)
_UNSEEN = r"\u00ad\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufe0e\ufe0f\ufeff\u20e3\U000e0020-\U000e007f"
_EYE = re.compile(rf"((?:[{_PICTURES}][\u200d{_UNSEEN}]*)+)|[{_UNSEEN}]+|(?<![\u0e00-\u109f\u1780-\u17ff])\u200b+")
"""Pictures, and what is not seen at all; of a keycap the digit stays. Joiners inside of words are spelling."""
# Left over, because nothing closed them: stars on one side of a word, pairs, backticks.
_LEFT_OVER = re.compile(
    r"(?<![\w)\]*])\*+(?=[^\s*\d#])|(?<=[^\s*])\*+(?![\w*(])"
    r"|(?<![\d*])\*{2,}|\*{2,}(?![\d*])|(?<![\d~])~~+|~~+(?![\d~])|(?<=[.!?,;:)\"'”’])_+(?!\w)|`+"
    r"|(?<![=\w])==(?=\w)|(?<=\w)==(?![=\w])"
)
_KEPT = "\ufdd0"  # stands for code and what is escaped, while what is left over is looked for; no character is this
_SPECIAL = re.compile(rf"[*_~`<\[\]\\&【\u200b{_UNSEEN}{_PICTURES}]|==|https?:|ftp:", re.IGNORECASE)


def plain(source: str) -> bool:
    """Whether nothing in it can be markup."""
    return _SPECIAL.search(source) is None


def spoken(source: str, closers: str = "") -> str:
    """What a voice is to say of it. Letters, digits and signs that are content are all kept; white space as it is.

    `closers`: marks that would close what is open in it.
    """
    if closers:
        words = source.rstrip()
        return spoken(words + closers) + source[len(words) :]
    if plain(source):
        return source
    kept: list[str] = []
    tokens = _PARSER.parseInline(source.replace("🔟", "10").replace(_KEPT, ""))[0].children or []
    text = _LEFT_OVER.sub("", _EYE.sub(_unpictured, "".join(_pieces(tokens, kept))))
    return re.sub(_KEPT, lambda _: _EYE.sub(_unpictured, kept.pop(0)), text) if kept else text


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Instead of markdown-it's rule: the same with `flanks`."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    end = min(run_end(state.src, state.pos), state.posMax)
    opens, closes = flanks(state.src, state.pos, end)
    for _ in range(end - state.pos):
        state.push("text", "", 0).content = marker
        state.delimiters.append(Delimiter(ord(marker), end - state.pos, len(state.tokens) - 1, -1, opens, closes))
    state.pos = end
    return True


class _Parser(MarkdownIt):
    def normalizeLink(self, url: str) -> str:
        return url

    def validateLink(self, url: str) -> bool:
        return TARGET.fullmatch(url) is not None


def _parser() -> MarkdownIt:
    made = _Parser("commonmark", {"maxNesting": 20}).enable("strikethrough")
    made.inline.ruler.at("emphasis", _emphasis)
    made.core.ruler.disable("text_join")  # keeps what was escaped apart from what is left over
    return made


_PARSER = _parser()


def _pieces(tokens: list[Token], kept: list[str]) -> Iterator[str]:
    """What each token says; for one that says what looks like markup `_KEPT`, and that is put into `kept`."""
    for token in tokens:
        match token.type:
            case "text":
                text = _URL.sub(_address, _CITATION.sub("", _LINK_END.sub(_rest_of_link, token.content)))
                yield _REFERENCE.sub(r"\1", text) if "][" in text else text
            case "code_inline" | "text_special":
                kept.append(token.content)
                yield _KEPT
            case "softbreak" | "hardbreak":
                yield " "
            case "image":
                yield from _pieces(token.children or [], kept)
            case "html_inline":
                yield _tag(token.content)


def _rest_of_link(match: re.Match[str]) -> str:
    """Of one whose text was said before it was known for a link; or cut off."""
    return "" if not match[1] or TARGET.fullmatch(match[1]) else match[0]


def _address(match: re.Match[str]) -> str:
    """An address as one says it: without the scheme, and what only counts clicks."""
    whole = match[1]
    kept = whole.rstrip(_URL_TAIL)
    while kept.endswith(")") and kept.count(")") > kept.count("("):
        kept = kept[:-1].rstrip(_URL_TAIL)
    return _TRACKING.sub("", kept).rstrip("?&/") + whole[len(kept) :]


def _tag(source: str) -> str:
    tag = TAG.fullmatch(source)
    if tag is None:
        return source
    if tag[1] is None:
        return ""  # a comment
    name = tag[1].lower()
    if name not in _TAGS and source == f"<{tag[1]}>":
        return tag[1]
    return " " if name in _BREAKS else ""


def _unpictured(match: re.Match[str]) -> str:
    """Nothing, but two words that only a picture divides stay two."""
    text, begin, end = match.string, match.start(), match.end()
    if not match[1] or begin == 0 or end == len(text):
        return ""
    beside = text[begin - 1], text[end]
    return " " if all(map(str.isalnum, beside)) and not any(map(unspaced, beside)) else ""
