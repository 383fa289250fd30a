"""How the bot ends or hands on a call, its last words heard: the carrier first, then the socket."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from parley.errors import BadInput, ParleyError
from parley.v1 import conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.carriers import Carriers
from services.gateway.recent_calls import RecentCalls

log = structlog.get_logger()


class CallEnd:
    """`ending` is how the bot let go of the call, once it has."""

    def __init__(self, call: Call, wire: Wire, carriers: Carriers, over: RecentCalls) -> None:
        self._call = call
        self._wire = wire
        self._carrier = carriers.get(call.carrier)
        self._over = over
        self.ending: tuple[conversation_pb2.Leg.Kind.ValueType, str] | None = None

    async def hang_up(self, order: conversation_pb2.HangUp) -> None:
        """The carrier is told first, the socket closed after: else the carrier would bring the call back."""
        reason = order.reason or "hung up"
        self.ending = conversation_pb2.Leg.KIND_ENDED, reason
        if self._carrier is not None:
            self._over.add(self._call.call_id)
            if self._carrier.capabilities.hang_up:
                await self._carrier.hang_up(self._call.call_id)
        self._wire.tell({"type": "ended", "reason": reason})
        self._wire.close(1000, "hung up")

    async def transfer(
        self, order: conversation_pb2.Transfer, failed: Callable[[conversation_pb2.CallEvent], None]
    ) -> None:
        """On the phone the carrier takes the call from here; a page is shown where to turn."""
        try:
            if self._carrier is not None:
                if not self._carrier.capabilities.transfer:
                    raise BadInput(f"{self._carrier.name} cannot hand a caller on")
                await self._carrier.transfer(self._call, order.to)
                # Not ended: when nobody takes the call, it comes back as the next leg.
                self.ending = conversation_pb2.Leg.KIND_LOST, "transferred"
            else:
                self._wire.tell({"type": "transfer", "to": order.to, "reason": order.reason})
        except ParleyError as error:
            log.error("transfer failed", call_id=self._call.call_id, error=str(error))
            trouble = conversation_pb2.Trouble(
                organ=conversation_pb2.Trouble.ORGAN_CARRIER, message=f"transfer failed: {error}"
            )
            failed(conversation_pb2.CallEvent(trouble=trouble))
