"""Numbers on their way to the vault of tools: in this process no longer than it takes to hand them over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.aio import TaskSet
from parley.errors import BadInput, ParleyError
from parley.rpc import Peers, call
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.gateway.till.purse import Kind
from services.gateway.till.till import HIDDEN

log = structlog.get_logger()

MAX_WAITING = 64
"""Numbers that are on their way at once; more are not kept, and are asked for again."""
PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0, 3.0)
CALL_S = 2.0
_KINDS = {"card": tools_pb2.KeepRequest.KIND_CARD, "code": tools_pb2.KeepRequest.KIND_CODE}


class Keeping:
    """The way to tools, opened with the first number: most gateways never need it."""

    def __init__(self, reach: Callable[[], Peers]) -> None:
        self._reach = reach
        self._tools: Peers | None = None
        self._opening = asyncio.Lock()
        self._tasks = TaskSet(lambda e: log.error("a number was not kept", error=type(e).__name__))

    def keep(self, call_id: str, token: str, kind: Kind, digits: str) -> None:
        """Hand over, and try again for some seconds. It never waits, and nobody is told: who looks for a token that is
        not there is asked for the number again."""
        if len(self._tasks) >= MAX_WAITING:
            HIDDEN.labels(kind, "lost").inc()
            return
        self._tasks.spawn(
            self._kept(tools_pb2.KeepRequest(call_id=call_id, token=token, kind=_KINDS[kind], digits=digits), kind)
        )

    async def close(self) -> None:
        await self._tasks.close()
        if self._tools is not None:
            await self._tools.__aexit__(None, None, None)

    async def _kept(self, request: tools_pb2.KeepRequest, kind: Kind) -> None:
        tools = await self._way()
        for pause_s in (*PAUSES_S, 0.0):
            try:
                await call(tools, tools_pb2_grpc.ToolsStub, "Keep", request, timeout_s=CALL_S)
                return
            except BadInput as error:
                log.error("a number is refused by tools", call_id=request.call_id, error=str(error))
                break
            except ParleyError as error:
                why = error.code
            await asyncio.sleep(pause_s)
        else:
            log.error("a number could not be kept", call_id=request.call_id, code=why)
        HIDDEN.labels(kind, "lost").inc()

    async def _way(self) -> Peers:
        async with self._opening:
            if self._tools is None:
                self._tools = await self._reach().__aenter__()
            return self._tools
