"""What strict servers ask of the messages of a request. Each raises AssertionError that says what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

Messages = Sequence[dict[str, Any]]


def alternates(messages: Messages) -> None:
    """One system message, first; then user and assistant in turn, from user on; results right behind their calls."""
    rest = list(messages)
    if rest and rest[0]["role"] == "system":
        assert rest.pop(0)["content"]
    assert rest, "there is nothing to answer"
    ids: list[str] = []
    waiting: list[str] = []
    turn = "user"
    for place, message in enumerate(rest):
        role, content = message["role"], message.get("content")
        if waiting:
            assert role == "tool", f"{place}: {role} before the results {waiting}"
            assert message["tool_call_id"] == waiting.pop(0), f"{place}: a result in the wrong place"
            assert content, f"{place}: an empty result"
            continue
        assert role == turn, f"{place}: {role} instead of {turn}"
        calls = message.get("tool_calls") or []
        assert content or (calls and content == ""), f"{place}: an empty message, or null (Ollama, LM Studio)"
        assert role == "assistant" or not calls
        waiting = [call["id"] for call in calls]
        ids += waiting
        for call in calls:
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["function"]["name"])
        turn = "assistant" if role == "user" or calls else "user"
    assert not waiting
    assert rest[-1]["role"] in ("user", "tool"), "the bot has the last word"
    assert len(set(ids)) == len(ids), "an id stands for two calls"
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", each) for each in ids)


def mistral(messages: Messages) -> None:
    """As Mistral's API: no user behind a tool, ids of nine letters and digits. Source: mistral-common, validators."""
    behind = {"system": "user", "user": "assistant", "assistant": "user tool", "tool": "assistant tool"}
    for before, message in zip(messages, messages[1:], strict=False):
        assert message["role"] in behind[before["role"]], (
            f"Unexpected role '{message['role']}' after role '{before['role']}'"
        )
    assert messages[-1]["role"] in ("user", "tool"), "Expected last role User or Tool"


def gemma(messages: Messages) -> None:
    """As the chat template of Gemma 2, and of Mistral 7B 0.2. Source: their tokenizer_config.json."""
    for place, message in enumerate(messages):
        assert message["role"] in ("user", "assistant"), "Only user and assistant roles are supported!"
        assert (message["role"] == "user") == (place % 2 == 0), "Conversation roles must alternate user/assistant/..."
        assert isinstance(message["content"], str)
        assert message["content"].strip()
        assert "tool_calls" not in message
