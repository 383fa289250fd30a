"""Texts of others on their way to a model: what callers say, what tools give back, what stands in knowledge. They are
data, so nothing in them may look like a part of the request itself. Pure.

Servers of open models put all messages into one text, and many read the marks of its chat template wherever they
stand: a tool's result with `<|im_start|>system` in it would be instructions. So those marks are broken, by one
character that a reader does not mind.
"""

from __future__ import annotations

import re

_TEMPLATE = re.compile(
    r"<(?=[|\uff5c])|(?<=[|\uff5c])>|<(?=/?s>)|<(?=/?(?:start|end)_of_turn>)|<(?=<?/?SYS>)|\[(?=/?(?:INST|SYSTEM_PROMPT|"
    r"TOOL_RESULTS|TOOL_CALLS|AVAILABLE_TOOLS)\])",
    re.IGNORECASE,
)
_QUOTES = re.compile(
    r"<(?=[\s/]*(?:reference|passage|tool_response|tool_call|tool_result|system|user|assistant)\b)", re.I
)
_BROKEN = {"<": "\u2039", ">": "\u203a", "[": "("}


def quotable(text: str) -> str:
    """Without marks of chat templates, and fit to stand between marks of ours: it cannot end its quotation."""
    text = _TEMPLATE.sub(lambda mark: _BROKEN[mark[0]], text)
    return _QUOTES.sub(_BROKEN["<"], text)


def attribute(text: str) -> str:
    """Fit to stand in the quotation marks of one of our marks."""
    return " ".join(text.split()).replace('"', "'").replace("<", _BROKEN["<"]).replace(">", _BROKEN[">"])
