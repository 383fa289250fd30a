"""What strict servers refuse, and in which words. `rule(body)` gives the refusal, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]


def alternation(body: Body) -> str:
    """Mistral's and Gemma's chat templates, in vLLM, llama.cpp, TGI. A call and its result count for nothing."""
    rest = body["messages"][1:] if body["messages"][0]["role"] == "system" else body["messages"]
    turns = [m["role"] for m in rest if m["role"] in ("system", "user") or (m["role"] == "assistant" and _speaks(m))]
    right = all(role == ("user", "assistant")[i % 2] for i, role in enumerate(turns))
    says = "After the optional system message, conversation roles must alternate user/assistant/user/assistant/..."
    return "" if right else says


def system_first(body: Body) -> str:
    """Qwen's templates."""
    late = any(m["role"] == "system" for m in body["messages"][1:])
    return "System message must be at the beginning." if late else ""


def no_system(body: Body) -> str:
    """Gemma 1 and 2, Mistral 7B v0.1."""
    return "System role not supported" if any(m["role"] == "system" for m in body["messages"]) else ""


def mistral_ids(body: Body) -> str:
    """mistral-common, behind Mistral's API and vLLM."""
    for told in _ids(body):
        if not re.fullmatch("[a-zA-Z0-9]{9}", told):
            return f"Tool call id was {told} but must be a-z, A-Z, 0-9, with a length of 9."
    return ""


def null_content(body: Body) -> str:
    """Ollama, LM Studio."""
    nulls = any(m.get("content", "") is None for m in body["messages"])
    return "invalid message content type: <nil>" if nulls else ""


def last_user(body: Body) -> str:
    """Mistral's API: the answer is not to be continued from the assistant's own words."""
    says = "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
    return says if body["messages"][-1]["role"] == "assistant" else ""


def empty_messages(body: Body) -> str:
    """Mistral's API; Anthropic behind a gateway says "text content blocks must be non-empty"."""
    empty = any(m["role"] != "tool" and not m.get("content") and not m.get("tool_calls") for m in body["messages"])
    return "Assistant message must have either content or tool_calls, but not none." if empty else ""


def auto_tools(body: Body) -> str:
    """vLLM started without a tool parser."""
    says = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    return says if body.get("tools") and body.get("tool_choice", "auto") == "auto" else ""


def tools(body: Body) -> str:
    """Ollama, for a model without them."""
    return "registry.ollama.ai/library/gemma3:latest does not support tools" if body.get("tools") else ""


def max_tokens(body: Body) -> str:
    """OpenAI's reasoning models, also behind Azure and LiteLLM."""
    says = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return says if "max_tokens" in body else ""


def stream_options(body: Body) -> str:
    """Servers whose request model forbids what it does not know (pydantic)."""
    return "body.stream_options: Extra inputs are not permitted" if "stream_options" in body else ""


def broken_arguments(body: Body) -> str:
    """vLLM and llama.cpp parse the arguments of past calls when they render the template."""
    for call in _calls(body):
        if not re.fullmatch(r"\{.*\}", call["function"]["arguments"], re.DOTALL):
            return "Failed to parse tool call arguments as JSON"
    return ""


RULES: dict[str, Callable[[Body], str]] = {
    rule.__name__: rule
    for rule in (
        alternation,
        system_first,
        no_system,
        mistral_ids,
        null_content,
        last_user,
        empty_messages,
        auto_tools,
        tools,
        max_tokens,
        stream_options,
        broken_arguments,
    )
}


def refusal(rules: list[str], body: Body) -> str:
    return next((said for rule in rules if (said := RULES[rule](body))), "")


def _speaks(message: dict[str, Any]) -> bool:
    return not message.get("tool_calls")


def _calls(body: Body) -> list[dict[str, Any]]:
    return [call for message in body["messages"] for call in message.get("tool_calls") or ()]


def _ids(body: Body) -> list[str]:
    return [call["id"] for call in _calls(body)] + [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
