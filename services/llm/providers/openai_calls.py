"""Fragments of tool calls put together: to whichever call they belong, whatever names it. Pure.

By protocol a fragment is named by its `index`, and the first of a call brings id and name. Seen in servers: no index,
all 0, as strings; one for each fragment; no id, the same for all, in pieces; names in pieces, or again in every
fragment; arguments as an object, or whole in every fragment; several calls in one delta; the calls in a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from services.llm.calls import MAX_ARGUMENTS, MAX_CALLS
from services.llm.contract import ToolCall
from services.llm.providers.openai_signed import signed_in

_MOST = 4 * MAX_CALLS
"""Calls that are put together: one too many shows that there are too many."""
_LEGACY = "function_call"
_USUAL = frozenset(("index", "id", "type", "function"))


class _Call:
    def __init__(self, index: Any) -> None:
        self.index = index
        self.id = self.name = self.arguments = ""
        self.signed: dict[str, Any] = {}

    @property
    def complete(self) -> bool:
        """It has its arguments. An empty object says nothing: some proxies begin with one."""
        return _object(self.arguments) and self.arguments.strip() != "{}"

    def take(self, arguments: str) -> None:
        """The next piece of the arguments; or all of them again, with more or without."""
        if len(self.arguments) > 1 and arguments.startswith(self.arguments) and _object(arguments):
            self.arguments = arguments
        elif len(self.arguments) <= MAX_ARGUMENTS:
            self.arguments += arguments


class Calls:
    """Those of one round. `known`: names of the request's tools, which tell a name from a piece of one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self._calls: list[_Call] = []
        self._from_message = 0  # how many of them came in whole messages

    def __iter__(self) -> Iterator[ToolCall]:
        return (ToolCall("", call.name, call.arguments) for call in self._calls)

    def signed(self) -> Iterator[tuple[ToolCall, dict[str, Any]]]:
        """Each call with the fields that its vendor wants back."""
        return zip(self, (call.signed for call in self._calls), strict=True)

    def __len__(self) -> int:
        return len(self._calls)

    def of_delta(self, delta: dict[str, Any]) -> bool:
        """The fragments in a delta; whether there were any."""
        fragments = [*_listed(delta.get("tool_calls"))]
        if isinstance(legacy := delta.get(_LEGACY), dict):
            fragments.append({"index": _LEGACY, "function": legacy})
        for fragment in fragments:
            self._fragment(fragment)
        return bool(fragments)

    def of_message(self, message: dict[str, Any]) -> bool:
        """The calls of a whole message. They repeat what deltas gave, and what messages before it gave."""
        whole = [*_listed(message.get("tool_calls"))]
        if isinstance(legacy := message.get(_LEGACY), dict):
            whole.append({"function": legacy})
        if len(self._calls) > self._from_message:
            return bool(whole)
        before = [(call.name, call.arguments) for call in self._calls]
        for each in whole:
            name, arguments = _function(each)
            if (name, arguments) in before:
                before.remove((name, arguments))
            elif len(self._calls) < _MOST:
                call = _Call(None)
                call.name, call.arguments = name, arguments
                call.signed = signed_in(each)
                self._calls.append(call)
        self._from_message = len(self._calls)
        return bool(whole)

    def _fragment(self, fragment: dict[str, Any]) -> None:
        index, call_id = _index(fragment.get("index")), _text(fragment.get("id"))
        name, arguments = _function(fragment)
        call = self._of(index, call_id, name)
        if call is None or self._begins(call, call_id, name, arguments):
            if len(self._calls) >= _MOST:
                return
            call = _Call(index)
            self._calls.append(call)
        call.id = call_id or call.id
        if not fragment.keys() <= _USUAL and len(call.signed) < _MOST:
            call.signed |= signed_in(fragment)
        if name and name != call.name:
            call.name = name if name.startswith(call.name) and name in self._known else call.name + name
        call.take(arguments)

    def _of(self, index: Any, call_id: str, name: str) -> _Call | None:
        """The call that is named: by index, else by id, else the last one. A new index with a name is a new call's."""
        for call in reversed(self._calls):
            if index is not None and call.index == index:
                return call
        if index is not None and name:
            return None
        for call in reversed(self._calls):
            if call_id and call.id == call_id:
                return call
        return self._calls[-1] if self._calls else None

    def _begins(self, call: _Call, call_id: str, name: str, arguments: str) -> bool:
        """Whether a fragment that is named like `call` begins another one all the same. Each call has a name."""
        if not name or not call.name:
            return False
        if name == call.name and not (call_id and call.id and call_id != call.id):
            return call.complete and arguments != call.arguments and arguments.lstrip().startswith("{")
        if call.arguments:
            return call.complete or name != call.name or arguments.lstrip().startswith("{")
        if name.startswith(call.name) and call.name not in self._known:
            return False
        joined = call.name + name
        if name != call.name and any(known.startswith(joined) for known in self._known):
            return name in self._known
        other_id = bool(call_id and call.id and call_id != call.id)
        return other_id or call.index is None or name in self._known or call.name in self._known


def _listed(value: Any) -> Iterator[dict[str, Any]]:
    """The calls in a field that should be a list of them."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each


def _function(call: dict[str, Any]) -> tuple[str, str]:
    """Name and arguments, from where they stand."""
    function = call.get("function")
    holder = function if isinstance(function, dict) else call
    keys = ("arguments", "parameters", "input", "args")
    arguments = next((holder[key] for key in keys if holder.get(key) is not None), "")
    return _text(holder.get("name")), arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()


def _index(value: Any) -> Any:
    """A number; the numeral of one; else what it is called; None when it says nothing."""
    if isinstance(value, bool) or value in (None, ""):
        return None
    if isinstance(value, str | float):
        try:
            return int(value)
        except (ValueError, OverflowError):
            return value
    return value if isinstance(value, int) else None


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _object(arguments: str) -> bool:
    try:
        return isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False
