"""`Telephony` on the wire: what other services and operators may ask of the line."""

from __future__ import annotations

from typing import Any

import structlog

from parley.errors import BadInput, NotBuilt, NotFound
from parley.v1 import telephony_pb2, telephony_pb2_grpc
from services.gateway.gateway import Gateway

log = structlog.get_logger()

MAX_ID = 200  # characters


class Telephony(telephony_pb2_grpc.TelephonyServicer):
    """See proto/parley/v1/telephony.proto."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def End(self, request: telephony_pb2.EndRequest, context: Any) -> telephony_pb2.EndResponse:
        """Raises BadInput, NotFound, NotBuilt."""
        if not 0 < len(request.call_id) <= MAX_ID:
            raise BadInput(f"call_id: expected 1 to {MAX_ID} characters, got {len(request.call_id)}")
        reason = request.reason[:MAX_ID] or "ended by the operator"
        leg = self._gateway.house.find(request.call_id)
        if leg is not None:
            log.info("call is ended from outside", call_id=request.call_id, reason=reason)
            await leg.hang_up(reason)
            return telephony_pb2.EndResponse()
        carriers = self._gateway.organs.carriers
        if not request.carrier:
            raise NotFound(f"call_id: no leg of this call is here; name its carrier, one of {', '.join(carriers)}")
        if (carrier := carriers.get(request.carrier)) is None:
            raise BadInput(f"carrier: there is no {request.carrier[:40]!r}; known are {', '.join(carriers)}")
        if not carrier.capabilities.hang_up:
            raise NotBuilt(f"carrier: {carrier.name} cannot end a call from outside")
        self._gateway.organs.over.add(request.call_id)
        await carrier.hang_up(request.call_id)
        return telephony_pb2.EndResponse()

    async def Place(self, request: telephony_pb2.PlaceRequest, context: Any) -> telephony_pb2.PlaceResponse:
        raise NotBuilt("calls are not placed by this version: it answers them")

    async def Connect(self, request: telephony_pb2.ConnectRequest, context: Any) -> telephony_pb2.ConnectResponse:
        raise NotBuilt("callers are not connected from outside by this version: a tool of the agent transfers them")

    async def Join(self, request: telephony_pb2.JoinRequest, context: Any) -> telephony_pb2.JoinResponse:
        raise NotBuilt("calls are not joined by this version")
