"""What servers that speak chat completions put into a chunk, in all its shapes: words, usage, reasons, errors. Pure.

Only fields whose words are for the caller are read; `reasoning`, `reasoning_content`, `thinking`, `thoughts` and their
like are not among them, whatever they are called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, TooLate, VendorLost
from services.llm.contract import FinishReason

MAX_COUNT = 1 << 31
_CUT = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
_KINDS = {"invalidrequest": 400, "badrequest": 400, "ratelimit": 429, "authentication": 401}
"""Errors in a stream that have a type and no number."""
_FAILED_CALL = re.compile(
    r"tool_use_failed|failed_generation|failed to call a function|error parsing tool call|failed to parse input at pos",
    re.IGNORECASE,
)
"""The model's own mistake, though the server reports it as an error: Groq, Ollama, llama.cpp."""
_FILTERED = ("content_filter", "safety", "recitation", "prohibited_content", "blocklist", "spii")


def first_of(choices: list[Any]) -> Any:
    """The choice that is our answer: of several the one with number 0, whether or not that is said."""
    return next((each for each in choices if not (isinstance(each, dict) and _is_other(each.get("index")))), {})


def _is_other(index: Any) -> bool:
    return index not in (None, "", "0") and isinstance(index, int | float | str) and index != 0


def words_of(value: Any) -> str:
    """The words in a `content`: a string, a list of parts, one part, nothing. Parts that are thoughts have none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(words_of, value))
    if isinstance(value, dict):
        kind = str(value.get("type") or "").lower()
        if "think" in kind or "reason" in kind or "thought" in kind or value.get("thought") is True:
            return ""
        for name in ("text", "value", "refusal", "content", "transcript", "output_text"):
            if words := words_of(value.get(name)):
                return words
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def words_in(delta: Any) -> str:
    """The words of a delta or a message: of the first field that has any."""
    if not isinstance(delta, dict):
        return delta if isinstance(delta, str) else ""
    for name in ("content", "text", "refusal", "audio"):
        if words := words_of(delta.get(name)):
            return words
    return ""


def reason_of(choice: dict[str, Any]) -> str:
    """Why the answer has ended, as the server says it; "" while it has not."""
    for name in ("finish_reason", "finishReason", "stop_reason", "done_reason"):
        value = choice.get(name)
        if value and isinstance(value, str | int | dict) and value is not True:
            return str(value).lower()
    return ""


def finish_of(reason: str) -> FinishReason:
    """What an end means; one that nobody knows is an end like another."""
    if reason in _CUT:
        return FinishReason.LENGTH
    return FinishReason.FILTER if reason in _FILTERED else FinishReason.STOP


def usages_in(chunk: dict[str, Any], choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every count of tokens in a chunk, wherever it stands."""
    vendor = chunk.get("x_groq")
    for holder in (chunk, choice, vendor if isinstance(vendor, dict) else {}):
        if isinstance(usage := holder.get("usage"), dict):
            yield usage
    for usage in (chunk.get("timings"), chunk if "eval_count" in chunk else None):  # llama.cpp, Ollama
        if isinstance(usage, dict):
            yield usage


def count_in(usage: dict[str, Any], *names: str) -> int:
    """The first of these fields that counts something; 0 if none does."""
    for name in names:
        value = usage.get(name)
        try:
            number = int(float(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0
        except (ValueError, OverflowError):
            continue
        if number > 0:
            return min(number, MAX_COUNT)
    return 0


def cached_in(usage: dict[str, Any]) -> int:
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    found = count_in(details, "cached_tokens") if isinstance(details, dict) else 0
    return found or count_in(usage, "prompt_cache_hit_tokens", "cached_tokens", "cache_n")


def error_in(chunk: dict[str, Any]) -> Any:
    """What a chunk reports as an error; None when it is none, as an `error` that is empty."""
    if chunk.get("object") == "error":  # vLLM
        return chunk
    return chunk.get("error") or None


def refused_in(chunk: Any) -> Any:
    """The error in a value of the stream, unless it is the model's mistake; None when there is none."""
    error = error_in(chunk) if isinstance(chunk, dict) else None
    return None if error is None or written_in(error) else error


def raised_by(error: Any) -> ParleyError:
    """An error in the stream as ours: by its code where it has one, else the server is lost."""
    if not isinstance(error, dict):
        return by_status(0, f"in mid-answer: {error}"[:200])
    said = error.get("message") or error.get("detail") or error.get("type") or "no reason given"
    return by_status(status_of(error), f"in mid-answer: {said}"[:200], str(error.get("code")))


def status_of(error: Any) -> int:
    """The HTTP status that an error in the stream stands for; 0 if it says nothing of the kind."""
    if not isinstance(error, dict):
        return 0
    kind = f"{error.get('type')} {error.get('code')}".lower().replace("_", "")
    by_kind = (number for name, number in _KINDS.items() if name in kind)
    return count_in(error, "code", "status", "status_code", "http_code") or next(by_kind, 0)


def written_in(error: Any) -> str:
    """What the model wrote as a tool call, of an error that says that it is none; "" of any other error."""
    said = error if isinstance(error, str) else orjson.dumps(error, default=str).decode()
    if not _FAILED_CALL.search(said):
        return ""
    written = error.get("failed_generation") or error.get("message") if isinstance(error, dict) else error
    return written if isinstance(written, str) and written else said


def by_status(status: int, said: str, code: str = "") -> ParleyError:
    """The server's status as our error. What it says is cut to 200 characters by the caller; keys are not in it."""
    if status in (401, 403):
        return Misconfigured(f"OPENAI_API_KEY: the model's server refuses it ({status})")
    if status == 404:
        return Misconfigured(f"OPENAI_BASE_URL or the model's name is wrong: the model's server knows neither: {said}")
    if code == "insufficient_quota" or status == 402:
        return Misconfigured(f"OPENAI_API_KEY: its account has no credit left: {said}")
    if status == 429:
        return AtCapacity(f"the model's server takes no more requests now: {said}")
    if status in (408, 504):
        return TooLate(f"the model's server gave up waiting ({status})")
    if 400 <= status < 500:
        return BadInput(f"the model's server refuses the request ({status}): {said}")
    return VendorLost(f"the model's server failed ({status or 'no status'}): {said}")
