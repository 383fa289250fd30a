"""What a language model is to the llm service: one round of words and tool calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from parley.errors import BadInput
from parley.v1 import llm_pb2


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
    """A provider gives name and arguments as the model wrote them; `addressed` makes of it what leaves the service.

    There `id` is our own, `arguments` the JSON text of an object, and `mistake` what the model got wrong, in words for
    it: such a call is not to be carried out.
    """

    id: str
    name: str
    arguments: str
    mistake: str = ""


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


class Requests:
    """How many requests to engines one round may cost, and has cost. Shared by all who send any for it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sent = 0

    @property
    def left(self) -> bool:
        return self.sent < self.most

    def take(self) -> None:
        """Before each request. Raises BadInput: there were enough."""
        if not self.left:
            raise BadInput(f"requests_left: {self.sent} requests were sent for this round, and no more may be")
        self.sent += 1


MAX_CARRY = 8 * 1024
"""Bytes of what a vendor wants back; whoever keeps it for us keeps no more."""
MOST_REQUESTS = 4
"""Of a round whose caller sets no bound."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    call_id: str = ""
    agent: str = ""
    agent_version: str = ""
    model: str = ""
    system: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    passages: tuple[Passage, ...] = ()
    max_output_tokens: int = 0
    temperature: float | None = None
    language: str = "en"
    at_ms: int = 0  # when it is asked, since 1970; 0: now
    carry: bytes = b""  # of the last round of this turn that gave one
    requests: Requests = field(default_factory=lambda: Requests(MOST_REQUESTS), compare=False)


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a caller's line is. Empty: it is not sure. `score`: nearness of the nearest, 0..1."""

    specialist: str = ""
    topic: str = ""
    score: float = 0.0


class Routes(Protocol):
    """What knows whose a line is by its meaning. Raises NotBuilt (no embeddings), NotFound (no such agent)."""

    async def of(self, agent: str, version: str, text: str) -> Found: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a caller said in one turn, and before it. `agent`: whose domain; empty: only how they feel is asked for."""

    text: str
    language: str = ""  # the agent's
    agent: str = ""
    agent_version: str = ""
    context: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Emotion:
    """neutral, happy, frustrated, sad, angry or confused; empty: nobody here knows the language. `confidence` 0..1;
    `by`: the tier that told."""

    name: str = ""
    confidence: float = 0.0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """An intent of the agent's domain; empty: none that is sure."""

    intent: str = ""
    confidence: float = 0.0
    slots: dict[str, str] = field(default_factory=dict)
    by: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    emotion: Emotion
    wish: Wish


class Understands(Protocol):
    """What knows what a turn means. Raises BadInput, AtCapacity, NotBuilt (no embeddings), NotFound (no such agent)."""

    async def of(self, request: llm_pb2.UnderstandRequest) -> llm_pb2.UnderstandResponse: ...


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Unsay:
    """The words so far were a thought after all: what was not spoken of them is to be dropped."""


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    vendor: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """`carry`: what the next rounds of this turn must give back, of all its rounds so far; b"": nothing new."""

    reason: FinishReason
    carry: bytes = b""


LlmEvent = TextDelta | Unsay | ToolCall | Usage | Finish


class LanguageModelProvider(Protocol):
    """One class per vendor, made from Settings; one object serves all calls of the process.

    `chat` yields deltas as they come and exactly one Finish, last. Closing the generator closes the vendor's stream.
    What the model wrote is given as it is, its thoughts in fields of their own left out: `addressed` looks at the rest.
    Each request to the vendor is counted first (`request.requests.take()`).
    Raises Misconfigured (key refused), AtCapacity (429), VendorLost (closed), BadInput (4xx), TooLate (stall).
    """

    def chat(self, request: ChatRequest) -> AsyncIterator[LlmEvent]: ...

    async def aclose(self) -> None: ...
