"""LanguageModel on the wire: proto to Python and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson

from parley import telemetry
from parley.bus.cancels import Cancels, key_of
from parley.errors import BadInput, NotBuilt, ParleyError
from parley.rpc import Admission
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain, Chains
from services.llm.coalescing import coalesced
from services.llm.contract import (
    MOST_REQUESTS,
    ChatRequest,
    Finish,
    FinishReason,
    LlmEvent,
    Passage,
    Requests,
    Routes,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolSpec,
    Understands,
    Unsay,
    Usage,
)
from services.llm.understanding.wire import message_of

MAX_MESSAGES = 600
MAX_TEXT = 1 << 20
MAX_LINE = 4_000  # characters of a caller's line
_CHOICES = {0: ToolChoice.AUTO, 1: ToolChoice.AUTO, 2: ToolChoice.NONE, 3: ToolChoice.REQUIRED}
_REASONS = {
    FinishReason.STOP: llm_pb2.Finish.REASON_STOP,
    FinishReason.TOOL_CALLS: llm_pb2.Finish.REASON_TOOL_CALLS,
    FinishReason.LENGTH: llm_pb2.Finish.REASON_LENGTH,
    FinishReason.FILTER: llm_pb2.Finish.REASON_FILTER,
}


class LanguageModel(llm_pb2_grpc.LanguageModelServicer):
    """See proto/parley/v1/llm.proto."""

    def __init__(
        self,
        chain: Chain | Chains,
        admission: Admission,
        cancels: Cancels | None = None,
        routing: Routes | None = None,
        turns: Understands | None = None,
    ) -> None:
        self._chain = chain
        self._admission = admission
        self._cancels = cancels or Cancels()
        self._routing = routing
        self._turns = turns

    async def Chat(self, request: llm_pb2.ChatRequest, context: Any) -> AsyncIterator[llm_pb2.ChatEvent]:
        key = key_of(request.turn) if request.HasField("turn") else None
        with (
            self._admission.admit(),
            self._cancels.stream(request.call_id, key),
            telemetry.span("llm.chat", request.traceparent, call_id=request.call_id),
        ):
            asked = from_proto(request)
            try:
                async with aclosing(coalesced(self._chain.chat(asked))) as events:
                    async for event in events:
                        yield to_proto(event, asked.requests.sent)
            except ParleyError as e:
                yield llm_pb2.ChatEvent(failed=_failed(e, asked.requests.sent))
                raise

    async def Live(self, requests: Any, context: Any) -> AsyncIterator[llm_pb2.LiveEvent]:
        raise NotBuilt("speech to speech is not part of this version: use stt, Chat and tts")
        yield  # an async generator, as gRPC wants it

    async def Understand(self, request: llm_pb2.UnderstandRequest, context: Any) -> llm_pb2.UnderstandResponse:
        if self._turns is None:
            raise NotBuilt("understand: no sentence embeddings are installed here")
        with telemetry.span("llm.understand", request.traceparent, call_id=request.call_id):
            return await self._turns.of(request)

    async def Route(self, request: llm_pb2.RouteRequest, context: Any) -> llm_pb2.RouteResponse:
        if self._routing is None:
            raise NotBuilt("route: no sentence embeddings are installed here")
        if not request.agent or not request.text or len(request.text) > MAX_LINE:
            raise BadInput(f"agent, text: must be set, the text of at most {MAX_LINE} characters")
        with telemetry.span("llm.route", request.traceparent, call_id=request.call_id):
            found = await self._routing.of(request.agent, request.agent_version, request.text)
        return llm_pb2.RouteResponse(specialist=found.specialist, topic=found.topic, score=found.score)


def from_proto(request: llm_pb2.ChatRequest) -> ChatRequest:
    """Raises BadInput naming the field: too many messages, an unknown role, parameters that are no JSON object."""
    if not request.messages or len(request.messages) > MAX_MESSAGES:
        raise BadInput(f"messages: {len(request.messages)} of them; send 1 to {MAX_MESSAGES}, the newest last")
    if request.ByteSize() > MAX_TEXT:
        raise BadInput(f"request: larger than {MAX_TEXT} bytes; send fewer messages or passages")
    return ChatRequest(
        call_id=request.call_id,
        agent=request.agent,
        agent_version=request.agent_version,
        model=request.model,
        system=request.system,
        messages=tuple(message_of(i, m, "messages") for i, m in enumerate(request.messages)),
        tools=tuple(_tool(i, t) for i, t in enumerate(request.tools)),
        tool_choice=_CHOICES.get(request.tool_choice, ToolChoice.AUTO),
        passages=tuple(Passage(p.text, p.source, p.score) for p in request.passages),
        max_output_tokens=request.max_output_tokens,
        temperature=request.temperature if request.HasField("temperature") else None,
        language=request.language or "en",
        at_ms=request.at_ms,
        carry=request.carry,
        requests=Requests(request.requests_left or MOST_REQUESTS),
    )


def _failed(error: ParleyError, requests: int) -> llm_pb2.Failed:
    return llm_pb2.Failed(code=error.code, message=str(error), requests=requests)


def _tool(place: int, tool: llm_pb2.ToolSpec) -> ToolSpec:
    if not tool.name:
        raise BadInput(f"tools[{place}].name: is empty")
    try:
        if tool.parameters_json and not isinstance(orjson.loads(tool.parameters_json), dict):
            raise ValueError("not an object")
    except ValueError as e:
        raise BadInput(f"tools[{place}].parameters_json: is no JSON object: {e}") from e
    return ToolSpec(tool.name, tool.description, tool.parameters_json)


def to_proto(event: LlmEvent, requests: int = 0) -> llm_pb2.ChatEvent:
    """`requests`: that the round has cost so far."""
    match event:
        case TextDelta(text):
            return llm_pb2.ChatEvent(text_delta=text)
        case Unsay():
            return llm_pb2.ChatEvent(unsay=llm_pb2.Unsay())
        case ToolCall(id=call_id, name=name, arguments=arguments, mistake=mistake):
            made = llm_pb2.ToolCall(id=call_id, name=name, arguments_json=arguments, mistake=mistake)
            return llm_pb2.ChatEvent(tool_call=made)
        case Usage():
            return llm_pb2.ChatEvent(
                usage=llm_pb2.Usage(
                    input_tokens=event.input_tokens,
                    output_tokens=event.output_tokens,
                    cached_tokens=event.cached_tokens,
                    vendor=event.vendor,
                    model=event.model,
                )
            )
        case Finish(reason=reason, carry=carry):
            finish = llm_pb2.Finish(reason=_REASONS[reason], carry=carry, requests=requests)
            return llm_pb2.ChatEvent(finish=finish)
