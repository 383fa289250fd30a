"""OpenAI's shapes on the wire: chunks, completions, usage, embeddings, and what it refuses."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

import numpy as np

from testbed.vendors.openai.script import Call, Reply

CHUNK_CHARS = 4
QUIRKS = ("index_zero", "no_id", "whole_arguments", "finish_stop", "reasoning", "no_usage")
"""What servers that call themselves compatible do differently: every parallel call has index 0; calls have no id;
arguments come whole in one chunk; finish_reason is "stop" with tool calls; there are reasoning deltas; no usage."""


def wrong_request(body: dict[str, Any]) -> str:
    """Why OpenAI would answer 400, or nothing: above all a tool call that no tool message answers."""
    messages = body.get("messages")
    if not body.get("model"):
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "messages: must be a non-empty list"
    open_ids: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_ids:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids:
            break
        open_ids = {call["id"] for call in message.get("tool_calls") or []}
    if open_ids:
        ids = ", ".join(sorted(open_ids))
        return f"tool_call_ids did not have response messages: {ids}"
    return ""


def _usage(body: dict[str, Any], reply: Reply) -> dict[str, int]:
    prompt = len(json.dumps(body["messages"])) // CHUNK_CHARS
    made = (len(reply.text) + sum(len(call.wire) + len(call.name) for call in reply.calls)) // CHUNK_CHARS + 1
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


def chunks(body: dict[str, Any], reply: Reply, quirks: frozenset[str] = frozenset()) -> Iterable[dict[str, Any]]:
    """Role priming, text, each tool call in fragments, the finish, and usage (without choices) if it was asked for."""
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage")) and "no_usage" not in quirks
    frame = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body["model"],
    }
    if wants_usage:
        frame["usage"] = None

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": "" if reply.text or not reply.calls else None, "refusal": None})
    if "reasoning" in quirks:
        yield chunk({"reasoning_content": "The caller wants something."})
    for at in range(0, len(reply.text), CHUNK_CHARS):
        yield chunk({"content": reply.text[at : at + CHUNK_CHARS]})
    for at in range(0, len(reply.refusal), CHUNK_CHARS):
        yield chunk({"refusal": reply.refusal[at : at + CHUNK_CHARS]})
    for index, call in enumerate(reply.calls):
        for fragment in _fragments(call, quirks):
            yield chunk({"tool_calls": [{"index": 0 if "index_zero" in quirks else index, **fragment}]})
    yield chunk({}, reply.finish or ("tool_calls" if reply.calls and "finish_stop" not in quirks else "stop"))
    if wants_usage:
        yield {**frame, "choices": [], "usage": _usage(body, reply)}


def _fragments(call: Call, quirks: frozenset[str]) -> Iterable[dict[str, Any]]:
    """First id, type and name with empty arguments, then the arguments piece by piece."""
    identity = {"type": "function"} if "no_id" in quirks else {"id": _call_id(), "type": "function"}
    if "whole_arguments" in quirks:
        yield {**identity, "function": {"name": call.name, "arguments": call.wire}}
        return
    yield {**identity, "function": {"name": call.name, "arguments": ""}}
    for at in range(0, len(call.wire), CHUNK_CHARS):
        yield {"function": {"arguments": call.wire[at : at + CHUNK_CHARS]}}


def completion(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal or None}
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    finish = reply.finish or ("tool_calls" if reply.calls else "stop")
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(body, reply),
    }


def _call(call: Call) -> dict[str, Any]:
    return {"id": _call_id(), "type": "function", "function": {"name": call.name, "arguments": call.wire}}


def _call_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def embedding(text: str, size: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """A unit vector of the text's words: texts that share words are near each other."""
    total = np.zeros(size, np.float32)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.strip(".,?!").encode()).digest()[:8], "big")
        total += np.random.default_rng(seed).standard_normal(size, np.float32)
    return np.asarray(total / (float(np.linalg.norm(total)) or 1.0), np.float32)
