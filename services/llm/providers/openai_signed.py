"""What a vendor wants back with a tool call, in the next rounds of the same turn: else it refuses them. Pure.

    Gemini      `extra_content` of a call, {"google": {"thought_signature": ..}}
    LiteLLM     `provider_specific_fields` of a call
    OpenRouter  `reasoning_details` beside the calls: each block whole, with its signature or its encrypted data
    DeepSeek, Kimi  `reasoning_content` beside the calls: that it is there, not what it says

The carry is a JSON list of `[name, arguments, fields of the call, fields of its message]`, oldest first. A call is
found again by what it asked for: its id is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from services.llm.calls import check
from services.llm.contract import MAX_CARRY, ToolCall, ToolSpec
from services.llm.histories import plain_name
from services.llm.providers.openai_stream import SKIPPED

Fields = dict[str, Any]
MAX_THOUGHT = 1_000
"""Characters of a thought that is nowhere signed."""
_MOST = 64
_KNOWN = ("index", "id", "type", "function", "name", "arguments", "parameters", "input", "args")
_GROWS = ("text", "summary", "data")


def signed_in(fragment: Fields) -> Fields:
    """The fields of a call's fragment that are to go back with it: unknown ones that hold a signature."""
    found = {}
    for key, value in fragment.items():
        if key not in _KNOWN and isinstance(value, dict | str):
            told = orjson.dumps({key: value}, default=str)
            if b"signature" in told and len(told) <= MAX_CARRY:
                found[key] = value
    return found


class Beside:
    """What the deltas of one round say beside their calls."""

    def __init__(self) -> None:
        self._thought = ""
        self._details: list[Fields] = []
        self._room = MAX_CARRY

    def take(self, delta: Fields) -> None:
        if isinstance(thought := delta.get("reasoning_content"), str) and len(self._thought) < MAX_THOUGHT:
            self._thought = (self._thought + thought)[:MAX_THOUGHT]
        details = delta.get("reasoning_details")
        for piece in details if isinstance(details, list) else ():
            if isinstance(piece, dict):
                self._room -= len(orjson.dumps(piece, default=str))
                if self._room >= 0:
                    self._join(piece)

    def _join(self, piece: Fields) -> None:
        """A block comes in pieces, which its index and type hold together."""
        last = self._details[-1] if self._details else {}
        if not last or any(last.get(key) != piece.get(key) for key in ("type", "index")):
            self._details.append(dict(piece))
            return
        for key, value in piece.items():
            if key in _GROWS and isinstance(value, str) and isinstance(last.get(key), str):
                last[key] += value
            elif value is not None:
                last[key] = value

    @property
    def fields(self) -> Fields:
        signed = any(each.get("signature") or each.get("data") for each in self._details)
        whole = {"reasoning_details": self._details} if signed and self._room >= 0 else {}
        return {**whole, **({"reasoning_content": self._thought} if self._thought else {})}


def carried(
    before: bytes, calls: Iterable[tuple[ToolCall, Fields]], beside: Fields, tools: Sequence[ToolSpec]
) -> bytes:
    """The carry of the rounds before, with this round's calls added. b"": there is nothing new, or too much."""
    new: list[list[Any]] = []
    for call, fields in calls:
        told = check(call, tools)
        if fields or (beside and not new):
            new.append([told.name, _plain(told.arguments), fields, {} if new else beside])
    if not new:
        return b""
    made = orjson.dumps([*_entries(before), *new][-_MOST:], default=str)
    if len(made) > MAX_CARRY:
        SKIPPED.labels("carry").inc()
        return b""
    return made


def give_back(messages: Sequence[Fields], carry: bytes) -> None:
    """Put what is carried on the calls that it belongs to, and on their messages; the newest are those of this turn."""
    places = [(message, call) for message in reversed(messages) for call in reversed(message.get("tool_calls") or [])]
    for name, arguments, fields, beside in reversed(_entries(carry)):
        same = [place for place in places if place[1]["function"]["name"] == plain_name(name)]
        exact = [place for place in same if _plain(place[1]["function"]["arguments"]) == arguments]
        if not same:
            continue
        message, call = place = (exact or same)[0]
        places.remove(place)
        call.update({key: value for key, value in fields.items() if key not in call})
        message.update({key: value for key, value in beside.items() if key not in message})


def _entries(carry: bytes) -> list[Any]:
    """Those of a carry that is ours; another engine may have made it."""
    try:
        value = orjson.loads(carry or b"[]")
    except orjson.JSONDecodeError:
        return []
    return [each for each in value if _is_entry(each)] if isinstance(value, list) else []


def _is_entry(each: Any) -> bool:
    kinds = (str, str, dict, dict)
    return isinstance(each, list) and len(each) == len(kinds) and all(map(isinstance, each, kinds))


def _plain(arguments: str) -> str:
    return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()
