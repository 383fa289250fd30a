"""What a tool returned, as an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from parley.text.words import clipped
from parley.tooling import HangUp, Notice, Result, Transfer
from parley.v1 import tools_pb2
from services.tools.contract import MAX_CUSTOMER_CHARS, MAX_JSON_BYTES, Outcome, failed

log = structlog.get_logger()

MAX_SUMMARY_CHARS = 1000
MAX_NOTICE_CHARS = 1000
MAX_LEVEL = 9
BROKEN = "The tool gave a result that cannot be used."


def outcome_of(returned: Any, tool: str, effects: bool) -> Outcome:
    """OK with the result as JSON. A result that cannot be used is FAILED, but a tool with effects has done its work:
    it stays OK, with the summary alone."""
    result = returned if isinstance(returned, Result) else Result(_mapping(returned))
    outcome = Outcome(status=Outcome.STATUS_OK, say=_notice(result.say), level=_level(result.level, tool))
    outcome.customer = _customer(result.customer, outcome.level, tool)
    _then(result.then, outcome)
    summary = result.value.get("summary") if isinstance(result.value, Mapping) else None
    problem, text = _json(result.value, summary)
    if problem:
        log.error("tool result refused", tool=tool, problem=problem)
        if not effects:
            return failed(f"{BROKEN} {problem}")
        said = fit(summary, MAX_SUMMARY_CHARS) if isinstance(summary, str) and summary else "It was done."
        text = orjson.dumps({"summary": said, "left_out": problem}).decode()
    outcome.result_json = text
    return outcome


def fit(text: str, most: int) -> str:
    """At most `most` characters that any database and any message can hold."""
    return clipped(text, most).replace("\0", "").encode("utf-8", "replace").decode()


def _then(value: object, outcome: Outcome) -> None:
    match value:
        case HangUp(reason):
            outcome.hang_up.reason = fit(str(reason), 200)
            outcome.hang_up.SetInParent()
        case Transfer(to, reason):
            outcome.transfer.to, outcome.transfer.reason = fit(str(to), 40), fit(str(reason), 200)


def _notice(value: object) -> tools_pb2.SayNotice | None:
    if not isinstance(value, Notice) or not str(value.text).strip():
        return None
    return tools_pb2.SayNotice(text=fit(str(value.text), MAX_NOTICE_CHARS), interruptible=bool(value.interruptible))


def _level(value: object, tool: str) -> int:
    """A level that is none proves nothing."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_LEVEL:
        return value
    log.error("tool result's level refused", tool=tool, expected=f"0 to {MAX_LEVEL}")
    return 0


def _customer(value: object, level: int, tool: str) -> str:
    """Nobody's record is a caller's who has proven nothing."""
    if not value:
        return ""
    if isinstance(value, str) and len(value) <= MAX_CUSTOMER_CHARS and value.isprintable() and level:
        return value
    log.error("tool result's customer refused", tool=tool, expected="a record's key, together with a level")
    return ""


def _mapping(returned: Any) -> Any:
    return {"summary": returned} if isinstance(returned, str) else returned


def _json(value: Any, summary: Any) -> tuple[str, str]:
    """(what is wrong, "") or ("", the JSON text)."""
    if not isinstance(value, Mapping):
        return f"Expected a mapping with a summary, got {type(value).__name__}.", ""
    if not isinstance(summary, str) or not summary.strip():
        return "Its summary, a sentence to be spoken, is missing.", ""
    try:
        text = orjson.dumps(dict(value))
    except (TypeError, ValueError) as e:
        return f"It is not JSON: {e}.", ""
    if len(text) > MAX_JSON_BYTES:
        return f"It has {len(text)} bytes, {MAX_JSON_BYTES} are allowed: ask for less.", ""
    return "", text.decode()
