"""Our request in the words of chat completions, in the form that its server takes. Source: OpenAI API reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from services.llm.contract import ChatRequest, Message, Role, ToolSpec
from services.llm.histories import alternating, told_plainly
from services.llm.providers.openai_signed import give_back

_ANY = '{"type":"object","properties":{}}'
_AS_TEXT = (
    "You can use tools. To use one, write a line of this form and nothing else; the result comes in the next message:\n"
    '<tool_call>{"name": "..", "arguments": {..}}</tool_call>\nThe tools:'
)


@dataclass(frozen=True, slots=True)
class Form:
    """`without`: optional fields that the server refuses. `plain`: no role but user and assistant. `short`: only the
    newer half of the history, without knowledge."""

    without: frozenset[str] = frozenset()
    plain: bool = False
    short: bool = False


def body(request: ChatRequest, model: str, max_tokens_field: str, form: Form = Form()) -> dict[str, Any]:
    """The JSON body of POST /chat/completions."""
    made: dict[str, Any] = {
        "model": request.model or model,
        "messages": messages(request, form),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        made["tools"] = [{"type": "function", "function": _tool(tool)} for tool in request.tools]
        made["tool_choice"] = request.tool_choice.value
    if request.max_output_tokens:
        made[max_tokens_field] = request.max_output_tokens
    if request.temperature is not None:
        made["temperature"] = request.temperature
    # A server that cannot be told to call no tool is offered none.
    silent = "tool_choice" in form.without and made.get("tool_choice") == "none"
    return {k: v for k, v in made.items() if k not in form.without and not (silent and k == "tools")}


def messages(request: ChatRequest, form: Form = Form()) -> list[dict[str, Any]]:
    """One system message, then user and assistant in turn."""
    said = alternating(_shortened(request) if form.short else request)
    told_as_text = "tools" in form.without and bool(request.tools)
    system = "\n\n".join(part for part in (request.system, _as_text(request.tools) if told_as_text else "") if part)
    if form.plain or told_as_text:
        said, system = told_plainly(said, system if form.plain else ""), "" if form.plain else system
    made: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    made += [_message(message) for message in said]
    if request.carry:
        give_back(made, request.carry)
    return made


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role.value, "content": message.text}
    if message.role is Role.TOOL:
        made["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return made


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": orjson.loads(tool.parameters or _ANY),
    }


def _as_text(tools: tuple[ToolSpec, ...]) -> str:
    """The tools for a model whose server takes none; what it then writes is read by `addressed`."""
    return "\n".join((_AS_TEXT, *(orjson.dumps(_tool(tool)).decode() for tool in tools)))


def _shortened(request: ChatRequest) -> ChatRequest:
    """Without the older half of the history, as far as that is before the caller's last words, and without knowledge.

    A tool's result whose call is gone goes with it (`alternating`).
    """
    messages = request.messages
    last = max((n for n, message in enumerate(messages) if message.role is Role.USER), default=len(messages) - 1)
    return replace(request, messages=messages[min((len(messages) + 1) // 2, last) :], passages=())
