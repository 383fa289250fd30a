"""What is asked of the records: fields, or one line as people type it. Pure.

    agent:bank interrupted > 3          tool book_visit failed        +1 555 010 9999
    outcome:transferred cost > 0.5      "my order" duration > 60      ...9999 fallback ended:lost

Words that are none of these are looked for in what was said. A wrong line is refused, naming what may be asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from parley.errors import BadInput

MAX_LINE = 500
FIELDS = {"agent": "agent", "version": "version", "outcome": "outcome", "ended": "ended_by", "channel": "channel",
          "called": "called", "direction": "direction", "language": "language"}  # fmt: skip
MEASURES = {
    "interrupted": "interruptions", "interruptions": "interruptions", "turns": "turns", "pauses": "pauses",
    "duration": "seconds", "seconds": "seconds", "cost": "usd", "answer": "answer_ms", "slowest": "slowest_ms",
    "takeovers": "takeovers", "fallbacks": "fallbacks", "tools": "tools", "failed": "tools_failed",
}  # fmt: skip
"""Word -> column of `calls`."""
_MEASURE = re.compile(rf"\b({'|'.join(MEASURES)})\s*(>=|<=|>|<|=)\s*(\d{{1,9}}(?:\.\d{{1,6}})?)", re.IGNORECASE)
_FIELD = re.compile(rf"\b({'|'.join(FIELDS)})\s*:\s*(\"[^\"]*\"|\S+)", re.IGNORECASE)
_TOOL = re.compile(r"\btool(?:\s*:\s*|\s+)(?:([\w.-]+)\s+)?(failed|refused|unknown|ok)\b", re.IGNORECASE)
_TOOL_NAME = re.compile(r"\btool\s*:\s*([\w.-]+)", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\+|\.{3}|…)\s?\d[\d\s()./-]{1,28}\d|\bsips?:\S+|(?<!\S)\d{7,15}(?!\S)")
_FLAG = re.compile(r"\b(fallback|takeover)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Measure:
    """`interruptions > 3`. `column` is one of `calls`."""

    column: str
    relation: str
    value: float


@dataclass(frozen=True)
class Query:
    """Empty fields ask for nothing. Times are milliseconds since 1970, `until_ms` is not included.

    `number`: of the caller, whole or its last four digits. `words`: all of them were said. `tool_status`: of one use of
    `tool`, or of any. `live`: of those that go on, or that are over. `emotion`: a turn of the caller sounded so.
    """

    number: str = ""
    words: str = ""
    agent: str = ""
    version: str = ""
    outcome: str = ""
    ended_by: str = ""
    channel: str = ""
    called: str = ""
    direction: str = ""
    language: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    tool: str = ""
    tool_status: str = ""
    live: bool | None = None
    emotion: str = ""
    measures: tuple[Measure, ...] = ()


def parsed(line: str, query: Query | None = None) -> Query:
    """What a line asks, on top of `query`. Raises BadInput."""
    query = query or Query()
    if len(line) > MAX_LINE:
        raise BadInput(f"q: {len(line)} characters; at most {MAX_LINE}")
    measures = list(query.measures)
    for word, relation, value in _MEASURE.findall(line):
        measures.append(Measure(MEASURES[word.lower()], relation, float(value)))
    line = _MEASURE.sub(" ", line)
    for name, value in _FIELD.findall(line):
        query = replace(query, **{FIELDS[name.lower()]: value.strip('"')})
    line = _FIELD.sub(" ", line)
    if found := _TOOL.search(line):
        query = replace(query, tool=found[1] or query.tool, tool_status=found[2].lower())
        line = _TOOL.sub(" ", line)
    elif found := _TOOL_NAME.search(line):
        query, line = replace(query, tool=found[1]), _TOOL_NAME.sub(" ", line)
    if found := _NUMBER.search(line):
        query, line = replace(query, number=found[0].lstrip(".… ")), _NUMBER.sub(" ", line, count=1)
    for flag in _FLAG.findall(line):
        measures.append(Measure(f"{flag.lower()}s", ">", 0))
    words = " ".join(_FLAG.sub(" ", line).replace('"', " ").split())
    if re.search(r"[<>]", words):
        known = ", ".join(sorted(set(MEASURES)))
        raise BadInput(f"q: {words!r} cannot be compared; write as in `interrupted > 3`, with one of {known}")
    return replace(query, words=" ".join((query.words, words)).strip(), measures=tuple(measures))
