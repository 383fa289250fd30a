"""proto ⇄ Python, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import orjson

from parley.bus.cancels import Cancels, key_of_owner
from parley.errors import BadInput, Unavailable
from parley.rpc import Admission
from parley.v1 import call_pb2, tools_pb2, tools_pb2_grpc
from services.tools.contract import (
    MAX_CUSTOMER_CHARS,
    MAX_JSON_BYTES,
    MAX_KNOWN_CHARS,
    Epoch,
    Intent,
    Known,
    Outcome,
    Shown,
    refused,
)
from services.tools.discovery import Toolboxes
from services.tools.execution.executor import Executor, Settled, told_of_refusal
from services.tools.mcp.contract import LIST_ROOM_S
from services.tools.results import fit
from services.tools.schema import LoadedTool
from services.tools.vault.vault import Vault

MAX_PROBLEM_CHARS = 1000
_KEPT = {tools_pb2.KeepRequest.KIND_CARD: "card", tools_pb2.KeepRequest.KIND_CODE: "code"}


class Servicer(tools_pb2_grpc.ToolsServicer):
    def __init__(
        self,
        toolboxes: Toolboxes,
        executor: Executor,
        admission: Admission,
        cancels: Cancels | None = None,
        ready: Callable[[str, float], Awaitable[bool]] | None = None,
        vault: Vault | None = None,
    ) -> None:
        """`ready`: waits until the servers of an agent have said what they can do, for so many seconds at most. False:
        not yet."""
        self._toolboxes = toolboxes
        self._executor = executor
        self._admission = admission
        self._cancels = cancels or Cancels()
        self._ready = ready
        self._vault = vault

    async def List(self, request: tools_pb2.ListToolsRequest, context: Any) -> tools_pb2.ListToolsResponse:
        agent = _text(request.agent, "agent", 100)
        await self._toolboxes.have(agent, request.agent_version)
        box = self._toolboxes.of(agent, request.agent_version)
        complete = True
        if box.agent.mcp and self._ready is not None:
            complete = await self._ready(agent, LIST_ROOM_S)
            box = self._toolboxes.of(agent, request.agent_version)
        return tools_pb2.ListToolsResponse(
            tools=[_info(tool) for tool in box.tools.values()],
            agent_version=box.agent.version,
            problem=fit(self._toolboxes.problem(agent), MAX_PROBLEM_CHARS),
            incomplete=not complete,
        )

    async def Execute(self, request: tools_pb2.ExecuteRequest, context: Any) -> AsyncIterator[tools_pb2.ExecuteEvent]:
        owner = key_of_owner(request.epoch) if request.HasField("epoch") else None
        with self._admission.admit(), self._cancels.stream(request.call_id, owner):
            refusal, intent = _intent(request)
            if refusal is not None:
                told_of_refusal(intent, refusal.message)
                yield tools_pb2.ExecuteEvent(outcome=refusal)
                return
            async with aclosing(self._executor.execute(intent)) as events:
                async for event in events:
                    if isinstance(event, str):
                        yield tools_pb2.ExecuteEvent(progress=tools_pb2.ToolProgress(text=event))
                    elif isinstance(event, Shown):
                        yield tools_pb2.ExecuteEvent(show=event)
                    else:
                        yield tools_pb2.ExecuteEvent(outcome=event)

    async def Keep(self, request: tools_pb2.KeepRequest, context: Any) -> tools_pb2.KeepResponse:
        if self._vault is None:
            raise Unavailable("there is no vault here")
        kind = _KEPT.get(request.kind)
        if kind is None:
            raise BadInput(f"kind: {request.kind} is not known; use a value of KeepRequest.Kind")
        await self._vault.keep(_text(request.call_id, "call_id", 200), request.token, kind, request.digits)
        return tools_pb2.KeepResponse()

    async def Settle(self, request: tools_pb2.SettleRequest, context: Any) -> tools_pb2.SettleResponse:
        settled = await self._executor.settle(_text(request.call_id, "call_id", 200), _epoch(request.epoch))
        return tools_pb2.SettleResponse(rows=[_row(row) for row in settled])


def _intent(request: tools_pb2.ExecuteRequest) -> tuple[Outcome | None, Intent]:
    """The intent; a refusal first when its arguments, which a model wrote, are no JSON object."""
    if not request.intent:
        raise BadInput("intent: missing; count a call's intents from 1")
    if len(request.caller) > 500:
        raise BadInput(f"caller: {len(request.caller)} characters; 500 are allowed")
    if len(request.customer) > MAX_CUSTOMER_CHARS:
        raise BadInput(f"customer: {len(request.customer)} characters; {MAX_CUSTOMER_CHARS} are allowed")
    refusal, arguments = _arguments(request.arguments_json)
    return refusal, Intent(
        call_id=_text(request.call_id, "call_id", 200),
        number=request.intent,
        epoch=_epoch(request.epoch),
        agent=_text(request.agent, "agent", 100),
        name=_text(request.name, "name", 100),
        arguments=arguments,
        caller=request.caller,
        level=request.level,
        traceparent=request.traceparent,
        version=request.agent_version,
        known=_known(request),
        confirmed=request.confirmed,
        customer=request.customer,
    )


def _known(request: tools_pb2.ExecuteRequest) -> Known:
    said = sum(len(name) + len(value) for name, value in request.parameters.items()) + len(request.purpose)
    if said > MAX_KNOWN_CHARS:
        raise BadInput(f"parameters, purpose: {said} characters; {MAX_KNOWN_CHARS} are allowed")
    direction = "outbound" if request.direction == call_pb2.DIRECTION_OUTBOUND else "inbound"
    return Known(direction, request.purpose, dict(request.parameters))


def _arguments(text: str) -> tuple[Outcome | None, dict[str, Any]]:
    if (size := len(text.encode())) > MAX_JSON_BYTES:
        return refused(f"the arguments have {size} bytes; {MAX_JSON_BYTES} are allowed"), {}
    try:
        arguments = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as e:
        return refused(f"the arguments are not valid JSON: {e}"), {}
    if not isinstance(arguments, dict):
        return refused("the arguments are not a JSON object"), {}
    return None, arguments


def _text(value: str, field: str, most: int) -> str:
    if not 0 < len(value) <= most or not value.isprintable():
        raise BadInput(f"{field}: expected 1 to {most} printable characters, got {len(value)}")
    return value


def _epoch(epoch: call_pb2.Epoch) -> Epoch:
    return epoch.leg, epoch.open


def _info(tool: LoadedTool) -> tools_pb2.ToolInfo:
    marks = tool.marks
    return tools_pb2.ToolInfo(
        name=tool.name,
        description=tool.description,
        parameters_json=tool.parameters_json,
        effects=marks.effects,
        idempotent=marks.idempotent,
        consequential=marks.consequential,
        slow=marks.slow,
        level=marks.level,
    )


def _row(settled: Settled) -> tools_pb2.LedgerRow:
    row = settled.row
    return tools_pb2.LedgerRow(
        intent=row.intent,
        name=row.name,
        arguments_json=row.arguments_json,
        running=settled.outcome is None,
        outcome=settled.outcome,
    )
