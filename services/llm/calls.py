"""What a model asked of its tools, checked: a call that can be carried out, or the mistake that it is to be told of.

One place for every engine, and for calls in whatever form they came. A mistake is the model's own: it costs a round,
counts for no breaker, and its call is never carried out. Pure.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import orjson

from services.llm.contract import ToolCall, ToolSpec

MAX_CALLS = 8
"""Of one round."""
MAX_ARGUMENTS = 64 * 1024
"""Characters of one call's arguments."""
MAX_NAME = 64
_QUOTED = 200  # characters of a mistake that are quoted to the model
_ENCODED = 3  # how often JSON may be wrapped in a JSON string
UNREADABLE = "the tool call could not be read; call the tool through the tools interface"
_WRAPPING = re.compile(r"^```\w*\s*|\s*```$|(?:\s*(?:<[|｜][^<>]{1,40}[|｜]>|</\w{1,30}>))+$")
_PARALLEL = "multi_tool_use.parallel"  # a tool that some models make up: {"tool_uses": [..]}


def checked(raw: Sequence[ToolCall], tools: Sequence[ToolSpec]) -> Iterator[ToolCall]:
    """The calls of one round as they leave the service, at most MAX_CALLS and one refusal of all the rest."""
    for made, call in enumerate(_single(raw)):
        if made == MAX_CALLS:
            yield _refused(call.name, f"more than {MAX_CALLS} tools at once: this one and those after it were left out")
            return
        yield check(call, tools)


def check(call: ToolCall, tools: Sequence[ToolSpec]) -> ToolCall:
    """One call, carried out or refused."""
    tool = find(call.name, tools)
    if tool is None:
        known = ", ".join(tool.name for tool in tools) or "none"
        asked = f"there is no tool {call.name.strip()[:MAX_NAME]!r}" if call.name.strip() else "the call names no tool"
        return _refused(call.name, call.mistake or f"{asked}; the tools are: {known}")
    if call.mistake:
        return _refused(tool.name, call.mistake)
    arguments, mistake = arguments_of(call.arguments, required(tool.parameters))
    return _refused(tool.name, mistake) if mistake else ToolCall(own_id(), tool.name, arguments)


def unreadable(text: str, names: Iterable[str]) -> ToolCall:
    """What a model wrote as a call and nobody can read: the tool whose name stands in it, and the mistake."""
    name = next((name for name in names if name in text), "")
    quoted = " ".join(text.split())
    return ToolCall("", name, "{}", f"{UNREADABLE}: {quoted[:_QUOTED]}" if quoted else UNREADABLE)


def find(name: str, tools: Sequence[ToolSpec]) -> ToolSpec | None:
    """The tool that a model means: the name may stand behind a namespace, before a token, or in other letters."""
    name = name.partition("<|")[0].strip().strip("\"'`")
    tail = re.split(r"[.:/]", name)[-1]
    for wanted in (name, tail):
        for tool in tools:
            if tool.name == wanted:
                return tool
    plain = [tool for tool in tools if _plain(tool.name) in (_plain(name), _plain(tail))]
    return plain[0] if len(plain) == 1 and name else None


def arguments_of(text: str, needed: Sequence[str] = ()) -> tuple[str, str]:
    """The arguments as the JSON text of an object; or "{}" and what is wrong with them."""
    if len(text) > MAX_ARGUMENTS:
        return "{}", f"the arguments have {len(text)} characters; {MAX_ARGUMENTS} are allowed"
    value = _loaded(text)
    if isinstance(value, dict):
        return (text if text.lstrip().startswith("{") and _is_object(text) else _dumped(value)), ""
    if value is None and text.strip() in ("", "null", '""', "None"):
        if not needed:
            return "{}", ""
        return "{}", f"the arguments are empty; needed are: {', '.join(needed)}"
    quoted = text.strip()
    quoted = f"{quoted[:_QUOTED]}…" if len(quoted) > _QUOTED else quoted
    return "{}", f"the arguments are not one JSON object but {quoted}; nothing was done"


def whole(text: str) -> bool:
    """Whether nothing is missing at the end of these arguments: what broke off is no mistake of the model."""
    return not text.strip() or _loaded(text) is not None or text.strip() == "null"


@lru_cache(maxsize=512)
def required(parameters: str) -> tuple[str, ...]:
    """Names of the parameters that a tool cannot do without."""
    schema = orjson.loads(parameters or "{}")
    names = schema.get("required") if isinstance(schema, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def own_id() -> str:
    """Nine letters and digits, the form that every vendor takes (Mistral refuses any other)."""
    return f"c{uuid.uuid4().hex[:8]}"


def _refused(name: str, mistake: str) -> ToolCall:
    return ToolCall(own_id(), name.partition("<|")[0].strip()[:MAX_NAME], "{}", mistake)


def _single(raw: Sequence[ToolCall]) -> Iterator[ToolCall]:
    """The calls one by one, also those that a model has packed into one."""
    for call in raw:
        value = _loaded(call.arguments) if call.name.strip() == _PARALLEL else None
        uses = value.get("tool_uses") if isinstance(value, dict) else None
        if not isinstance(uses, list):
            yield call
            continue
        for use in uses:
            if isinstance(use, dict):
                given = use.get("parameters") or {}
                arguments = given if isinstance(given, str) else _dumped(given)
                yield ToolCall("", str(use.get("recipient_name") or ""), arguments)


def _loaded(text: str) -> Any:
    """What the text says in JSON, unwrapped: of a fence, of tokens behind it, of an empty object before it, of JSON
    strings around it. None if it is no JSON."""
    for candidate in (text, _WRAPPING.sub("", text.strip()), _behind_empty(text)):
        try:
            value = orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
        for _ in range(_ENCODED):
            if not isinstance(value, str):
                break
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                break
        return value
    return None


def _behind_empty(text: str) -> str:
    """Some proxies begin every call with `{}` and send the arguments after it."""
    rest = text.strip().removeprefix("{}").strip()
    return rest if rest != text.strip() and rest.startswith('{"') else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _dumped(value: Any) -> str:
    return orjson.dumps(value).decode()


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
