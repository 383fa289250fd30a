"""`Conversation`: the gateway's events in, our commands out; and what is wrong with an edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import DecodeError

from parley.aio import background
from parley.errors import AtCapacity, BadInput, Superseded, Unavailable
from parley.rpc import Admission
from parley.v1 import conversation_pb2, conversation_pb2_grpc, events_pb2
from services.orchestrator.own.calls import Calls
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.conductor import Conductor
from services.orchestrator.wire import messages as wire
from services.orchestrator.wire import replay

OPEN_S = 10.0


class Conversation(conversation_pb2_grpc.ConversationServicer):
    """One stream per call leg and owner."""

    def __init__(self, calls: Calls, admission: Admission) -> None:
        self._calls = calls
        self._admission = admission
        self._replaying = False

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

    async def Replay(self, request: conversation_pb2.ReplayRequest, context: Any) -> conversation_pb2.ReplayResponse:
        if self._replaying:
            raise AtCapacity("another call is replayed here now: ask again")
        self._replaying = True
        try:
            found = await _replayed(request)
        finally:
            self._replaying = False
        differs = replay.name_of(found.differs) if found.differs is not None else ""
        return conversation_pb2.ReplayResponse(
            records=found.records,
            compared=found.compared,
            inputs=found.inputs,
            ended=found.ended,
            differs=differs,
            why=found.why,
        )


async def _replayed(request: conversation_pb2.ReplayRequest) -> replay.Replayed:
    """Between two inputs every call of this process has its turn."""
    try:
        records = [events_pb2.EventRecord.FromString(data) for data in request.records]
    except DecodeError as e:
        raise BadInput("records: not EventRecords") from e
    folding = replay.folded(replay.valid(records))
    while True:
        try:
            next(folding)
        except StopIteration as e:
            found: replay.Replayed = e.value
            return found
        await asyncio.sleep(0)


async def _listen(requests: Any, conductor: Conductor) -> None:
    """Feed the conductor until the gateway has nothing more to say, or an event fails; then the stream ends."""
    try:
        async for message in requests:
            event = wire.event_of(message, now_ms())
            if event is not None:
                conductor.feed(event)
    finally:
        conductor.end_stream()
