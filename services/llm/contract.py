"""What a language model is to the llm service: one round of words and tool calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Role(Enum):
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class ToolChoice(Enum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


class FinishReason(Enum):
    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is the JSON text of an object; providers check that it parses."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """`text` of an assistant is what the caller heard; `interrupted`: the caller broke in after it."""

    role: Role
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ToolSpec:
    name: str
    description: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Passage:
    text: str
    source: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    call_id: str = ""
    agent: str = ""
    model: str = ""
    system: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    passages: tuple[Passage, ...] = ()
    max_output_tokens: int = 0
    temperature: float | None = None
    language: str = "en"
    carry: bytes = b""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    vendor: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    reason: FinishReason
    carry: bytes = b""


LlmEvent = TextDelta | ToolCall | Usage | Finish


class LanguageModelProvider(Protocol):
    """One class per vendor, made from Settings; one object serves all calls of the process.

    `chat` yields deltas as they come and exactly one Finish, last. Closing the generator closes the vendor's stream.
    Raises Misconfigured (key refused), AtCapacity (429), VendorLost (closed, garbage), BadInput (4xx), TooLate (stall).
    """

    def chat(self, request: ChatRequest) -> AsyncIterator[LlmEvent]: ...

    async def aclose(self) -> None: ...
