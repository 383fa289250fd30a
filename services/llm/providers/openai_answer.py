"""The chunks of a streamed chat completion as our events, for OpenAI and the servers that nearly speak like it.

Each piece of the stream is of one of three classes, decided here. *Skipped*: what says nothing, or nothing that can be
read; counted. *The model's*: what it wrote, mistakes and all, is given as it is; `addressed` tells the model of them.
*Lost*: an error in the stream, a stream that ends before it said anything or within a call. What a server says to be
wrong with a call is the model's; an error behind the end of a whole answer says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from parley.errors import VendorLost
from services.llm.calls import unreadable, whole
from services.llm.contract import Finish, FinishReason, LlmEvent, ToolCall, ToolSpec, Usage
from services.llm.providers.openai_calls import Calls
from services.llm.providers.openai_shapes import (
    MAX_COUNT,
    cached_in,
    count_in,
    error_in,
    finish_of,
    first_of,
    raised_by,
    reason_of,
    usages_in,
    words_in,
    words_of,
    written_in,
)
from services.llm.providers.openai_signed import Beside, carried
from services.llm.providers.openai_stream import SKIPPED

_BESIDE = frozenset(("error", "x_groq", "timings", "finishReason", "stop_reason", "done_reason"))
"""Fields that a chunk or its choice seldom has, and that tell something."""
MAX_WORDS = 64 * 1024
"""Characters of an answer, thoughts and calls in it included: nobody listens so long."""
_CHARS_PER_TOKEN = 4
_MALFORMED = "malformed_function_call"
"""Gemini ends so when it cannot read the call of its model, of which nothing is told."""


class Answer:
    """One round, folded from chunks. `feed` gives the words of a chunk, `end` the calls, usage and Finish."""

    def __init__(self, model: str, input_chars: int, tools: Sequence[ToolSpec] = (), carry: bytes = b"") -> None:
        self.begun = False  # words or a tool call came: thoughts do not count
        self._model = model
        self._reason = ""
        self._tools = tools
        self._carry = carry  # of the rounds before
        self._beside = Beside()
        self._calls = Calls(tool.name for tool in tools)
        self._mistakes: list[ToolCall] = []
        self._usage = [0, 0, 0]
        self._input_chars = input_chars
        self._chars = 0
        self._said = ""  # by messages; what deltas said is not kept
        self._grows = False  # each message has all the words so far
        self._half = ""  # of a character that stands in two chunks

    @property
    def ended(self) -> bool:
        """The server has said why it ended: only usage may follow."""
        return bool(self._reason)

    def feed(self, chunk: Any) -> str:
        """The words in one value of the stream; none in what cannot be read. Raises what an error in it stands for."""
        try:
            return self._plain(chunk) or self._feed(chunk)
        except (TypeError, ValueError, AttributeError, LookupError, RecursionError):
            SKIPPED.labels("chunk").inc()
            return ""

    def _plain(self, chunk: Any) -> str:
        """The words of a chunk that has nothing else: nearly all are so."""
        if type(chunk) is not dict or type(choices := chunk.get("choices")) is not list or not choices:
            return ""
        choice = choices[0]
        if type(choice) is not dict or len(choice) > 4 or choice.get("finish_reason", "") is not None:
            return ""
        delta = choice.get("delta")
        if choice.get("index"):
            return ""
        if type(delta) is not dict or len(delta) > 1 or chunk.get("usage") or "error" in chunk:
            return ""
        content = delta.get("content")
        if type(content) is not str or not 0 < len(content) < 1000 or not content.isascii():
            return ""
        if self._half or self._chars > MAX_WORDS - 1000:
            return ""
        self.begun = True
        self._chars += len(content)
        return content

    def _feed(self, chunk: Any) -> str:
        if type(chunk) is not dict:
            SKIPPED.labels("chunk").inc()
            return ""
        choices = chunk.get("choices")
        choice: Any = first_of(choices) if type(choices) is list and choices else chunk
        if type(choice) is not dict:
            return ""
        if choice is chunk or not (_BESIDE.isdisjoint(chunk) and _BESIDE.isdisjoint(choice)):
            if error := error_in(chunk):
                self._failed(error)
                return ""
            self._count(chunk, choice)
            self._reason = reason_of(choice) or self._reason
        else:
            if choice.get("finish_reason"):
                self._reason = reason_of(choice) or self._reason
            if chunk.get("usage") or "usage" in choice:
                self._count(chunk, choice)
        words = self._words(choice)
        if words:
            self.begun = True
            if self._chars + len(words) > MAX_WORDS:
                SKIPPED.labels("words").inc()
                words = words[: max(0, MAX_WORDS - self._chars)]
            self._chars += len(words)
        return words

    def _failed(self, error: Any) -> None:
        """An error in the stream. Raises what it stands for."""
        if self.ended and self.begun:
            SKIPPED.labels("late_error").inc()
        elif written := written_in(error):
            self._mistakes.append(unreadable(written, (tool.name for tool in self._tools)))
            self.begun, self._reason = True, "tool_calls"
        else:
            raise raised_by(error)

    def end(self, done: bool = True) -> Iterator[LlmEvent]:
        """What follows the last word. `done`: the server said so. Raises VendorLost if it broke off."""
        calls = [*self._calls, *self._mistakes]
        if _MALFORMED in self._reason and not calls:
            calls.append(unreadable("", ()))
        if not (self._reason or done or self.begun):
            raise VendorLost("the model's server closed the stream before it said anything")
        if not (self._reason or done or all(whole(call.arguments) for call in calls)):
            raise VendorLost("the model's server closed the stream in mid-answer")
        if self._reason == "error":
            raise VendorLost("the model's server failed in mid-answer")
        reason = finish_of(self._reason)
        if reason is FinishReason.FILTER:
            calls = []
        yield from calls
        yield self._counted(sum(len(call.name) + len(call.arguments) for call in calls))
        if not calls:
            yield Finish(reason)
            return
        carry = carried(self._carry, self._calls.signed(), self._beside.fields, self._tools)
        yield Finish(FinishReason.TOOL_CALLS, carry)

    def _words(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta")
        if type(delta) is dict:
            self.begun = self._calls.of_delta(delta) or self.begun
            if "reasoning_content" in delta or "reasoning_details" in delta:
                self._beside.take(delta)
        message = choice.get("message")
        if isinstance(message, dict):
            self.begun = self._calls.of_message(message) or self.begun
            self._beside.take(message)
        if words := words_in(delta) or words_of(choice.get("text")) or words_of(choice.get("content")):
            return self._whole(words)
        return self._of_message(words_in(message)) if isinstance(message, dict) else ""

    def _of_message(self, words: str) -> str:
        """What a whole message says that was not said: it may repeat the deltas, or the messages before it."""
        if self._chars and not self._said:
            return ""  # deltas have said it
        if len(words) > len(self._said) and words.startswith(self._said):
            self._grows = bool(self._said)
            words, self._said = words[len(self._said) :], words
        elif words == self._said and (self._grows or self._reason):
            return ""
        else:
            self._said += words
        return self._whole(words)

    def _whole(self, words: str) -> str:
        """Without half a character: JSON may break an emoji in two."""
        if not self._half and (words.isascii() or not _has_half(words)):
            return words
        words, self._half = self._half + words, ""
        if "\ud800" <= words[-1:] <= "\udbff":
            words, self._half = words[:-1], words[-1]
        return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _count(self, chunk: dict[str, Any], choice: dict[str, Any]) -> None:
        for usage in usages_in(chunk, choice):
            counts = (
                count_in(usage, "prompt_tokens", "input_tokens", "prompt_eval_count", "prompt_n"),
                count_in(usage, "completion_tokens", "output_tokens", "eval_count", "predicted_n"),
                cached_in(usage),
            )
            self._usage = [max(before, now) for before, now in zip(self._usage, counts, strict=True)]

    def _counted(self, called: int) -> Usage:
        """The server's own count; an estimate by length if it gave none."""
        read, written, cached = self._usage
        return Usage(
            input_tokens=read or self._input_chars // _CHARS_PER_TOKEN,
            output_tokens=written or min(MAX_COUNT, (self._chars + called) // _CHARS_PER_TOKEN + 1),
            cached_tokens=cached,
            vendor="openai",
            model=self._model,
        )


def _has_half(words: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in words)
