"""`Conversation`: the gateway's events in, our commands out; and what is wrong with an edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from parley.aio import background
from parley.errors import BadInput, Superseded, Unavailable
from parley.rpc import Admission
from parley.v1 import conversation_pb2, conversation_pb2_grpc
from services.orchestrator.own.calls import Calls
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.conductor import Conductor
from services.orchestrator.wire import messages as wire

OPEN_S = 10.0


class Conversation(conversation_pb2_grpc.ConversationServicer):
    """One stream per call leg and owner."""

    def __init__(self, calls: Calls, admission: Admission) -> None:
        self._calls = calls
        self._admission = admission

    async def Converse(self, requests: Any, context: Any) -> AsyncIterator[conversation_pb2.CallCommand]:
        with self._admission.admit(returning=True):
            try:
                async with asyncio.timeout(OPEN_S):
                    first = await anext(aiter(requests), None)
            except TimeoutError as e:
                raise BadInput(f"`open` did not come within {OPEN_S:.0f} s; it is the first event") from e
            if first is None or first.WhichOneof("event") != "open":
                raise BadInput("the first event of Converse is `open`")
            if (first.open.epoch.leg, first.open.epoch.open) <= (1, 1):
                self._admission.refuse_when_draining()
            async with self._calls.opened(first.open, first.traceparent) as conductor:
                async with background(_listen(requests, conductor)):
                    while (command := await conductor.commands.get()) is not None:
                        yield command
                if conductor.superseded:
                    raise Superseded("superseded: a newer owner has the call")
                if conductor.left:
                    raise Unavailable("this replica gives the call away: open elsewhere")

    async def LookAtEdit(self, request: conversation_pb2.LookAtEditRequest, context: Any) -> Any:
        return conversation_pb2.LookAtEditResponse(problem=await self._calls.problem(request.agent))


async def _listen(requests: Any, conductor: Conductor) -> None:
    """Feed the conductor until the gateway has nothing more to say, or an event fails; then the stream ends."""
    try:
        async for message in requests:
            event = wire.event_of(message, now_ms())
            if event is not None:
                conductor.feed(event)
    finally:
        conductor.end_stream()
