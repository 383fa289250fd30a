"""Words that others wrote, on their way to a model: data, of a bounded length, without what nobody sees. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from parley.text.words import clipped

_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn")  # control, format (invisible, turns text around), private, unassigned
_KEPT = "\n\t\u200c\u200d"  # joiners are part of words in Persian and Indian scripts
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # of variants of a sign; text can be hidden in them


def one_line(text: str, most: int) -> str:
    """On one line, at most `most` characters; what was cut off is shown by three dots."""
    line = " ".join(visible(text[: 4 * most]).split())
    return line if len(line) <= most else f"{clipped(line, most - 3).rstrip()}..."


def visible(text: str) -> str:
    """Without characters that people do not see and models read: zero width, tags, turned around, control. Line ends
    stay."""
    if text.isascii() and text.isprintable():
        return text
    text = _SELECTORS.sub("", re.sub(r"\r\n?|[\u2028\u2029\x85]", "\n", text))
    return "".join(char for char in text if char in _KEPT or unicodedata.category(char) not in _HIDDEN)


def cleaned(value: Any, depth: int = 20) -> Any:
    """JSON with every text in it, keys too, as `visible`. What lies deeper than `depth` is left out."""
    if isinstance(value, str):
        return visible(value)
    if depth == 0 and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {visible(str(key)): cleaned(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [cleaned(each, depth - 1) for each in value]
    return value
