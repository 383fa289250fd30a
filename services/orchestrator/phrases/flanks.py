"""Whether a run of `*`, `_` or `~` can begin or end emphasis, by what stands beside it. Pure."""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"\*+|_+|~+|`+")
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\ua000-\ua4cf\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no spaces between words, or particles right behind them."""


def run_end(source: str, at: int) -> int:
    """Behind the run of equal marks that begins at `at`."""
    run = _RUN.match(source, at)
    return run.end() if run else at


def flanks(source: str, begin: int, end: int) -> tuple[bool, bool]:
    """Whether the run source[begin:end] can open and can close.

    As CommonMark has it, but: never inside a number or a word of letters with spaces between words, nor inside a name
    such as `__init__.py`; in scripts without spaces letters beside it do not matter.
    """
    before = source[begin - 1] if begin else " "
    after = source[end] if end < len(source) else " "
    opens, closes = not after.isspace(), not before.isspace()
    if not (opens and closes):
        return opens, closes
    inside = worded(before), worded(after)
    if all(inside):
        return False, False
    if unspaced(before) or unspaced(after):
        return True, True
    if source[begin] == "_" and (before in "./@:\\" or _named(source, end)):
        return False, False
    return not inside[0], not inside[1]


def _named(source: str, at: int) -> bool:
    """A name goes on behind the underscores: `__init__.py`, `__call__()`."""
    beyond = source[at + 1 : at + 2]
    return source[at] in "./@:\\-(" and beyond != "" and (beyond.isalnum() or beyond in "_)")


def worded(char: str) -> bool:
    """A letter or digit of a script with spaces between words."""
    return (char.isalnum() or unicodedata.category(char)[0] == "M") and not unspaced(char)


def unspaced(char: str) -> bool:
    return _UNSPACED.match(char) is not None
