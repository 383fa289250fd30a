"""One round of any engine, with only what is addressed to the caller: words, and checked tool calls.

Here it is also remembered of a model that its thoughts have no beginning: its next answers are held until the thought
has ended. The first such answer is not: what of its thought has left cannot be taken back, but for what is not spoken
yet (`Unsay`), and what begins like a thought (`openings`).
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import orjson
import structlog
from prometheus_client import Counter

from parley.errors import TooLate
from services.llm.addressed.capture import Block
from services.llm.addressed.marks import TRIGGER
from services.llm.addressed.said import Item, Sign
from services.llm.addressed.sieve import Sieve
from services.llm.addressed.written import read
from services.llm.calls import MAX_CALLS, checked
from services.llm.contract import (
    ChatRequest,
    Finish,
    FinishReason,
    LlmEvent,
    TextDelta,
    ToolCall,
    ToolChoice,
    Unsay,
    Usage,
)

log = structlog.get_logger()

CALLS = Counter("voice_llm_tool_calls_total", "Tool calls of models: ok, mistake; and those written as text", ["what"])
THOUGHTS = Counter("voice_llm_lone_thoughts_total", "Answers whose thought had no beginning")
_MODELS = 256


class Habits:
    """What answers so far have shown of each model, by engine and name."""

    def __init__(self) -> None:
        self._lone: dict[tuple[str, str], bool] = {}

    def lone(self, model: tuple[str, str]) -> bool | None:
        """Whether its thoughts come without a beginning; None: it has not answered yet."""
        return self._lone.get(model)

    def learn(self, model: tuple[str, str], lone: bool) -> None:
        self._lone[model] = lone
        if len(self._lone) > _MODELS:
            del self._lone[next(iter(self._lone))]


async def addressed(
    events: AsyncIterator[LlmEvent],
    request: ChatRequest,
    habits: Habits,
    engine: str = "",
    first_word_s: float = math.inf,
) -> AsyncGenerator[LlmEvent, None]:
    """The events of an engine's round, without the model's machinery. Calls come behind the words, checked.

    Raises TooLate: the model thinks for longer than `first_word_s` before a word. And what the engine raises.
    """
    tidy = _Round(request, habits, (engine, request.model))
    sieve, passed = tidy.sieve, ""
    by = time.monotonic() + first_word_s
    inner: Any = events
    async with aclosing(inner):
        async for event in inner:
            if type(event) is TextDelta:
                if sieve.idle and TRIGGER.search(event.text) is None:
                    passed = event.text
                    yield event
                    continue
                sieve.passed(passed)
                for item in sieve.feed(event.text):
                    if (made := tidy.take(item)) is not None:
                        yield made
                passed = ""
                if not tidy.spoke and sieve.thinks and time.monotonic() > by:
                    raise TooLate("the model thinks, and gives no word in time")
            elif type(event) is ToolCall:
                tidy.calls.append(event)
            elif type(event) is Usage:
                tidy.usage = event
            elif type(event) is Finish:
                for made in tidy.end(event):
                    yield made
            else:
                yield event


class _Round:
    """What one round has given so far. `calls`: as the engine gave them."""

    def __init__(self, request: ChatRequest, habits: Habits, model: tuple[str, str]) -> None:
        self._request, self._habits, self._model = request, habits, model
        self._tools = {tool.name: tool for tool in request.tools}
        self._written: list[ToolCall] = []
        self.calls: list[ToolCall] = []
        self.usage: Usage | None = None
        self.spoke = False
        known = habits.lone(model)
        names = frozenset(self._tools)
        self.sieve = Sieve(names, self._reads, holds=known is True, wary=known is None)

    def _reads(self, block: Block) -> bool:
        return read(block, self._tools) is not None

    def take(self, item: Item) -> LlmEvent | None:
        if isinstance(item, str):
            self.spoke = True
            return TextDelta(item)
        if isinstance(item, Sign):
            THOUGHTS.inc()
            return Unsay()
        self._written += read(item, self._tools) or []
        return None

    def end(self, finish: Finish) -> Iterator[LlmEvent]:
        """What is left when the engine has finished. A call that was given and written is one call."""
        for item in self.sieve.end():
            if (made := self.take(item)) is not None:
                yield made
        if self.sieve.lone or self.spoke:
            self._habits.learn(self._model, self.sieve.lone)
        calls = list(self._checked()) if self._request.tool_choice is not ToolChoice.NONE else []
        yield from calls
        if self.usage is not None:
            yield self.usage
        reason = finish.reason
        if reason in (FinishReason.STOP, FinishReason.TOOL_CALLS):
            reason = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        yield replace(finish, reason=reason)

    def _checked(self) -> Iterator[ToolCall]:
        calls = list(checked(self.calls, self._request.tools))
        given = {(call.name, _plain(call.arguments)) for call in calls}
        written = checked(self._written, self._request.tools)
        calls += [call for call in written if (call.name, _plain(call.arguments)) not in given]
        for call in calls[: MAX_CALLS + 1]:
            CALLS.labels("mistake" if call.mistake else "ok").inc()
            if call.mistake:
                log.info("a tool call is refused", call_id=self._request.call_id, pii_mistake=call.mistake)
            yield call
        CALLS.labels("written").inc(len(self._written))


def _plain(arguments: str) -> bytes:
    return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS)
