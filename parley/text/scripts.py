"""Facts of the world's scripts that texts are counted, joined and timed by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_IDEOGRAPHS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00016fe0-\U00018dff\U00020000-\U0003ffff"
)
_KANA = "\u3031-\u3035\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f"
_SOUTH_EAST = (  # Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham, Tai Viet, Ahom
    "\u0e01-\u0e3a\u0e40-\u0e5b\u0e81-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17da\u17dc-\u17ff\u1950-\u19ff"
    "\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf\U00011700-\U0001174f"
)
SPACELESS = f"{_IDEOGRAPHS}{_KANA}{_SOUTH_EAST}"
"""Characters of the scripts whose words stand side by side, for a regex class."""

ASKS = "?？؟՞፧⁇⁈⁉‽"
"""What a question ends with."""
CLAUSE_ENDS = "。！？｡、，；："
"""Marks behind which no space is written, where a word never goes on."""
SENTENCE_ENDS = f".!{ASKS}…。！｡．।॥۔።။៕"
CLOSERS = "\"'”’»)）］」』】》〉〕｣\\]"
"""Quotes and brackets that belong to what is before them; for a regex class."""

_WITHOUT_SPACE = re.compile(f"[{SPACELESS}]")
_WIDE_MARKS = "\u3000-\u3004\u3008-\u3020\u302a-\u3030\u303c-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff65"
_WIDE_MARK = re.compile(f"[{_WIDE_MARKS}]")
_CHINESE = f"{_IDEOGRAPHS}{_KANA}{_WIDE_MARKS}"
_NO_SPACE = re.compile(rf"(?<=[{_CHINESE}])\s+(?=[{_CHINESE}])")
_LONG = re.compile(f"[{_IDEOGRAPHS}\uac00-\ud7a3]")
_MIDDLING = re.compile(f"[{_KANA}]")
_ENDS = re.compile(rf"[。！？｡।॥۔።။៕]+[{CLOSERS}]*\s*|[{SENTENCE_ENDS}]+[{CLOSERS}]*\s+")


def spaceless(char: str) -> bool:
    """Whether this character is of a script that is written without spaces."""
    return _WITHOUT_SPACE.match(char) is not None


def asks(text: str) -> bool:
    """Whether it ends with a question mark, of any script."""
    end = text.rstrip().rstrip(CLOSERS)[-1:]
    return bool(end) and end in ASKS


def weight(text: str) -> int:
    """How long a voice takes for it, in Latin letters: a Han character or a Hangul syllable is three, a kana two."""
    if text.isascii():
        return len(text)
    return len(text) + 2 * len(_LONG.findall(text)) + len(_MIDDLING.findall(text))


def sentence_ends(text: str) -> Iterator[int]:
    """Where sentences are over, and the spaces behind them: before this place, in the order of the text."""
    return (match.end() for match in _ENDS.finditer(text))


def written(text: str) -> str:
    """Without the spaces that recognisers set between the words of Chinese and Japanese."""
    return text if text.isascii() else _NO_SPACE.sub("", text)


def joined(*parts: str) -> str:
    """Parts of what somebody says in a row as one text: with a space between them where their script has one."""
    text = ""
    for part in parts:
        part = part.strip()
        if text and part and not _side_by_side(text[-1], part[0]):
            text += " "
        text += part
    return text


def _side_by_side(left: str, right: str) -> bool:
    if left.isascii() and right.isascii():
        return False
    marks = _WIDE_MARK.match(left) or _WIDE_MARK.match(right)
    return marks is not None or (spaceless(left) and spaceless(right))
