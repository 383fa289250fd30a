"""How the bot ends or hands on a call: the last words first, then the carrier, then the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from parley.errors import ParleyError
from parley.v1 import conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.carrier import Carrier
from services.gateway.chat_mouth import ChatMouth
from services.gateway.mouth import Mouth

log = structlog.get_logger()

LAST_WORDS_S = 120.0
"""A hang-up or transfer waits at most so long for its last utterance to be heard."""


class Farewell:
    """`ending` is how the bot let go of the call, once it has."""

    def __init__(self, call: Call, wire: Wire, carrier: Carrier, mouth: Mouth | ChatMouth) -> None:
        self._call = call
        self._wire = wire
        self._carrier = carrier
        self._mouth = mouth
        self._waiting: dict[int, asyncio.Event] = {}
        self.ending: tuple[conversation_pb2.Leg.Kind.ValueType, str] | None = None

    def over(self, utterance: int) -> None:
        """This utterance was heard to its end, or cut."""
        if (waiter := self._waiting.pop(utterance, None)) is not None:
            waiter.set()

    async def hang_up(self, order: conversation_pb2.HangUp) -> None:
        """The carrier is told first, the socket closed after: else the carrier would bring the call back."""
        await self._last_words(order.after_utterance)
        reason = order.reason or "hung up"
        self.ending = conversation_pb2.Leg.KIND_ENDED, reason
        if self._call.channel == "phone":
            await self._carrier.hang_up(self._call.call_id)
        self._wire.tell({"type": "ended", "reason": reason})
        self._wire.close(1000, "hung up")

    async def transfer(
        self, order: conversation_pb2.Transfer, failed: Callable[[conversation_pb2.CallEvent], None]
    ) -> None:
        """On the phone the carrier takes the call from here; a page is shown where to turn."""
        await self._last_words(order.after_utterance)
        try:
            if self._call.channel == "phone":
                await self._carrier.transfer(self._call, order.to)
                # Not ended: when nobody takes the call, it comes back as the next leg.
                self.ending = conversation_pb2.Leg.KIND_LOST, "transferred"
            else:
                self._wire.tell({"type": "transfer", "to": order.to, "reason": order.reason})
        except ParleyError as error:
            log.error("transfer failed", call_id=self._call.call_id, error=str(error))
            failed(conversation_pb2.CallEvent(trouble=conversation_pb2.Trouble(message=f"transfer failed: {error}")))

    async def _last_words(self, utterance: int) -> None:
        if not utterance or not self._mouth.pending(utterance):
            return
        waiter = self._waiting.setdefault(utterance, asyncio.Event())
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await waiter.wait()
        except TimeoutError:
            log.warning("last words were never heard", call_id=self._call.call_id)
