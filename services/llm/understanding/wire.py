"""A turn that is to be understood, and what was, on the wire: from other services, and to the process that does it."""

from __future__ import annotations

from parley.errors import BadInput
from parley.v1 import llm_pb2
from parley.workers.wire import Kinds
from services.llm.contract import Message, Role, ToolCall, Turn, Understood

MAX_TEXT = 4_000
MAX_CONTEXT = 20
MAX_BYTES = 1 << 19
ROLES = {1: Role.USER, 2: Role.ASSISTANT, 3: Role.TOOL}


class Kind(Kinds):
    """To the process ASK (`UnderstandRequest`), from it UNDERSTOOD (`UnderstandResponse`) or FAILED (`Failed`)."""

    UNKNOWN = 0
    ASK = 1
    UNDERSTOOD = 2
    FAILED = 3


def turn_of(request: llm_pb2.UnderstandRequest) -> Turn:
    """Raises BadInput naming the field: no text or too long a one, too much context."""
    if not request.text.strip() or len(request.text) > MAX_TEXT:
        raise BadInput(f"text: has {len(request.text)} characters; send one turn of 1 to {MAX_TEXT:,}, not blank")
    if len(request.context) > MAX_CONTEXT or any(len(m.text) > MAX_TEXT for m in request.context):
        raise BadInput(f"context: at most {MAX_CONTEXT} messages of {MAX_TEXT:,} characters; send the newest")
    if request.ByteSize() > MAX_BYTES:
        raise BadInput(f"request: has {request.ByteSize()} bytes, at most {MAX_BYTES}; send less context")
    context = tuple(message_of(n, message, "context") for n, message in enumerate(request.context))
    return Turn(request.text, request.language, request.agent, request.agent_version, context)


def message_of(place: int, message: llm_pb2.Message, field: str) -> Message:
    """Raises BadInput: a role that is none."""
    if message.role not in ROLES:
        raise BadInput(f"{field}[{place}].role: {message.role} is none of user, assistant, tool")
    calls = tuple(ToolCall(c.id, c.name, c.arguments_json or "{}") for c in message.tool_calls)
    return Message(ROLES[message.role], message.text, calls, message.tool_call_id, message.interrupted)


def response_of(found: Understood) -> llm_pb2.UnderstandResponse:
    return llm_pb2.UnderstandResponse(
        intent=found.wish.intent,
        confidence=found.wish.confidence,
        intent_by=found.wish.by,
        slots=found.wish.slots,
        emotion=found.emotion.name,
        emotion_confidence=found.emotion.confidence,
        emotion_by=found.emotion.by,
    )
