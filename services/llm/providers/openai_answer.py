"""The chunks of a streamed chat completion as our events, for OpenAI and the servers that nearly speak like it.

Seen in compatible servers: all parallel calls at index 0 with new ids, ids missing or empty, arguments as an object,
"stop" with tool calls, thoughts in `reasoning`, `reasoning_content` or inside <think>, chunks without choices.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from parley.errors import VendorLost
from services.llm.contract import Finish, FinishReason, LlmEvent, TextDelta, ToolCall, Usage

_REASONS = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.FILTER,
}
_CHARS_PER_TOKEN = 4
_MAX_CALLS = 16
_MAX_ARGUMENTS = 64 * 1024


class Answer:
    """One round, folded from chunks. `feed` gives the words of a chunk, `end` the calls, usage and Finish."""

    def __init__(self, model: str, input_chars: int) -> None:
        self.begun = False  # words or a tool call came: thoughts do not count
        self._model = model
        self._reason = ""
        self._calls: list[dict[str, str]] = []
        self._by_index: dict[Any, dict[str, str]] = {}
        self._usage: dict[str, Any] = {}
        self._input_chars = input_chars
        self._chars = 0
        self._thinking: bool | None = None  # None: not known yet, the answer may begin with <think>
        self._held = ""

    def feed(self, data: bytes) -> str:
        """The words in one `data:` line. Raises VendorLost for an error in the stream or what is no chunk."""
        try:
            chunk = orjson.loads(data)
            if error := chunk.get("error"):
                raise VendorLost(f"the model's server failed in mid-answer: {_message(error)}")
            if usage := chunk.get("usage"):
                self._usage = usage
            choices = chunk.get("choices")
            if not choices:
                return ""
            self._reason = choices[0].get("finish_reason") or self._reason
            delta = choices[0].get("delta") or {}
            for fragment in delta.get("tool_calls") or ():
                self._fragment(fragment)
            content = delta.get("content")
            return self._words(content) if isinstance(content, str) and content else ""
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError, IndexError) as e:
            raise VendorLost(f"the model's server sent what is no chunk of an answer ({type(e).__name__})") from e

    def end(self) -> Iterator[LlmEvent]:
        """What follows the last word. Raises VendorLost if the answer broke off or a call cannot be read."""
        if not self._reason:
            raise VendorLost("the model's server closed the stream in mid-answer")
        if self._held:
            yield TextDelta(self._held)
        reason = _REASONS.get(self._reason, FinishReason.STOP)
        calls = [] if reason in (FinishReason.LENGTH, FinishReason.FILTER) else [_checked(c) for c in self._calls]
        yield from calls
        yield self._counted()
        yield Finish(FinishReason.TOOL_CALLS if calls else _without_calls(reason))

    def _words(self, content: str) -> str:
        if self._thinking is False:
            self.begun = True
            self._chars += len(content)
            return content
        self._held += content
        start = self._held.lstrip()
        if self._thinking is None:
            if "<think>".startswith(start[:7]) and len(start) < 7:
                return ""
            self._thinking = start.startswith("<think>")
        if self._thinking:
            _, closed, rest = self._held.partition("</think>")
            self._held = rest.lstrip() if closed else self._held[-8:]
            if not self._held or not closed:
                self._thinking = None if closed else True
                return ""
        self._thinking, words, self._held = False, self._held, ""
        return self._words(words)

    def _fragment(self, fragment: dict[str, Any]) -> None:
        """A piece of a call. It begins a new one if its index is new, its id is new, or it names one again."""
        self.begun = True
        function = fragment.get("function") or {}
        index, call_id, name = fragment.get("index", 0), fragment.get("id") or "", function.get("name") or ""
        call = self._by_index.get(index)
        again = call is not None and name and not call_id and _complete(call["arguments"])
        if call is None or (call_id and call_id != call["id"] and (call["id"] or name)) or again:
            if len(self._calls) >= _MAX_CALLS:
                raise VendorLost(f"the model asked for more than {_MAX_CALLS} tools at once")
            call = {"id": call_id, "name": "", "arguments": ""}
            self._calls.append(call)
            self._by_index[index] = call
        call["name"] = call["name"] or name
        arguments = function.get("arguments")
        if arguments is not None:
            call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        if len(call["arguments"]) > _MAX_ARGUMENTS:
            raise VendorLost(f"the arguments of {call['name']} are longer than {_MAX_ARGUMENTS} characters")

    def _counted(self) -> Usage:
        """The server's own count; an estimate by length if it gave none."""
        cached = (self._usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        made = self._chars + sum(len(c["name"]) + len(c["arguments"]) for c in self._calls)
        return Usage(
            input_tokens=self._usage.get("prompt_tokens") or self._input_chars // _CHARS_PER_TOKEN,
            output_tokens=self._usage.get("completion_tokens") or made // _CHARS_PER_TOKEN + 1,
            cached_tokens=cached,
            vendor="openai",
            model=self._model,
        )


def _complete(arguments: str) -> bool:
    try:
        return not arguments or isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False


def _checked(call: dict[str, str]) -> ToolCall:
    if not call["name"]:
        raise VendorLost("the model asked for a tool without a name")
    if not _complete(call["arguments"]):
        raise VendorLost(f"the model's arguments for {call['name']} are no JSON object")
    return ToolCall(call["id"] or f"call_{uuid.uuid4().hex[:24]}", call["name"], call["arguments"] or "{}")


def _without_calls(reason: FinishReason) -> FinishReason:
    return FinishReason.STOP if reason is FinishReason.TOOL_CALLS else reason


def _message(error: Any) -> str:
    return str(error.get("message", "no reason given") if isinstance(error, dict) else error)[:200]
