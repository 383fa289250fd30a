"""What became of an action that the caller was asked about, as the mind tells every model of it. Pure.

The mind asks, understands the answer and does it (services/orchestrator/mind/bot/confirming.py). What is left for a
model is told by the tool message: `ask`, the question is open or was said yes to; `refused`, with words that begin with
`Not done:`, it was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from services.llm.contract import Message, Role

State = Literal["", "asked", "declined", "left"]
_NOT_DONE = "Not done:"
_SAID_YES = "and said yes."
_UNCLEAR = "no clear yes"
_DECLINED = ("said no", _UNCLEAR)


def of_message(told: Mapping[str, Any]) -> State:
    """`asked`: the question is open, or was answered with yes; `declined`: there was no yes to it; `left`: it was
    changed, or something else took its place; "": it is a tool's own outcome.
    """
    status, message = told.get("status"), str(told.get("message", ""))
    if status == "ask":
        return "asked"
    if status != "refused" or not message.startswith(_NOT_DONE):
        return ""
    return "declined" if any(words in message for words in _DECLINED) else "left"


def of_text(message: str) -> State:
    """The same of a tool message's text."""
    try:
        told = orjson.loads(message)
    except orjson.JSONDecodeError:
        return ""
    return of_message(told) if isinstance(told, dict) else ""


def done_on_yes(messages: Sequence[Message], turn: int) -> frozenset[str]:
    """The tool calls that the caller's sentence at `turn` was the yes to: what was asked about, and is called at once
    behind it. Empty: it was no such yes.
    """
    called = messages[turn + 1].tool_calls if turn + 1 < len(messages) else ()
    before: dict[str, str] = {}  # by name, the last call of each tool
    for message in messages[:turn] if called else ():
        before |= {call.name: call.id for call in message.tool_calls}
    agreed = {m.tool_call_id for m in messages[:turn] if m.role is Role.TOOL and _agreed(m.text)}
    if not all(before.get(call.name) in agreed for call in called):
        return frozenset()
    return frozenset(call.id for call in called)


def left_unclear(messages: Sequence[Message]) -> bool:
    """Whether the caller's last sentence was the last answer to what was read back that was no clear one: nothing is
    done, and nobody will ask again. What was read back stands right behind the tool message.
    """
    last = max((i for i, message in enumerate(messages) if message.role is Role.USER), default=0)
    told = [i for i, message in enumerate(messages[:last]) if message.role is Role.TOOL and of_text(message.text)]
    if not told or _UNCLEAR not in messages[told[-1]].text:
        return False
    question, before = messages[told[-1] + 1], messages[last - 1]
    asked = question.text if question.role is before.role is Role.ASSISTANT else ""
    return bool(asked) and before.text.endswith(asked)


def _agreed(message: str) -> bool:
    try:
        told = orjson.loads(message)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict) and told.get("status") == "ask" and str(told.get("message", "")).endswith(_SAID_YES)
