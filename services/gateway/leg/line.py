"""The line to the mind: one `Converse` stream after the other, and nothing that matters lost between them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable

import structlog

from parley import telemetry
from parley.aio import background
from parley.errors import BadInput, Misconfigured, NotAllowed, NotFound, ParleyError, Superseded, Unavailable
from parley.rpc import CallStream, Peers
from parley.v1 import conversation_pb2, conversation_pb2_grpc
from services.gateway.leg.ledger import Ledger
from services.gateway.metrics import DROPPED_COMMANDS, DROPPED_EVENTS, REOPENED

log = structlog.get_logger()

GIVE_UP_S = 10.0
"""Without an orchestrator for so long the leg is closed; the carrier may bring the call back."""
GOODBYE_S = 2.0
"""How long the end of a leg may take to be told."""
MAX_OUTBOX = 1_000
MAX_OPENS = 30
"""More opens than this within a minute: no orchestrator can carry this call."""
_HOPELESS = (BadInput, Misconfigured, NotAllowed, NotFound)

CallEvent = conversation_pb2.CallEvent
CallCommand = conversation_pb2.CallCommand


class Line:
    """`post` tells an event and never waits; `take` is called with each command that counts.

    `opening` makes the `open` event of a new owner; the line adds epoch, state and what was stored. `opened` is told
    the address of each.
    """

    def __init__(
        self,
        orchestrator: Peers,
        leg: int,
        opening: Callable[[int], conversation_pb2.Open],
        take: Callable[[CallCommand], None],
        leg_ms: Callable[[], int],
        opened: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._orchestrator = orchestrator
        self._opening = opening
        self._take = take
        self._leg_ms = leg_ms
        self._opened = opened
        self.ledger = Ledger(leg)
        self._outbox: list[CallEvent] = []
        self._more = asyncio.Event()
        self._connected = False
        self._ending = False
        self._served = False

    def post(self, event: CallEvent) -> None:
        """Events with a number reach the next owner if this one is lost; others are for whoever listens now."""
        event.leg_ms = self._leg_ms()
        self.ledger.number(event)
        if not self._connected:
            if not event.seq:
                DROPPED_EVENTS.labels("no orchestrator").inc()
            return
        if len(self._outbox) >= MAX_OUTBOX and not event.seq:
            DROPPED_EVENTS.labels("orchestrator does not read").inc()
            return
        self._outbox.append(event)
        self._more.set()

    async def run(self) -> None:
        """Converse until the leg has ended and was told so.

        Raises Superseded (a newer leg or owner exists), Unavailable (nobody answered for 10 s, or nobody stores),
        NotFound, BadInput, Misconfigured, NotAllowed (asking elsewhere does not help).
        """
        avoid: list[str] = []
        lost_at = time.monotonic()
        opens: deque[float] = deque(maxlen=MAX_OPENS)
        while True:
            stream: CallStream | None = None
            self._served = False
            opens.append(time.monotonic())
            try:
                stream = await self._orchestrator.open(conversation_pb2_grpc.ConversationStub, "Converse", avoid=avoid)
                self._opened(stream.peer.address)
                await self._converse(stream)
                if self._ending:
                    return
                raise Unavailable("the orchestrator ended the conversation")
            except (Superseded, *_HOPELESS):
                raise
            except ParleyError as error:
                if self._served:
                    lost_at, avoid = time.monotonic(), []
                crashes = len(opens) == MAX_OPENS and opens[-1] - opens[0] < 60
                if crashes or self.ledger.full or time.monotonic() - lost_at > GIVE_UP_S:
                    raise Unavailable(f"no orchestrator took the call: {error}") from error
                if stream is not None:
                    avoid = [*avoid[-3:], stream.peer.address]
                    REOPENED.labels("orchestrator").inc()
                    log.warning("orchestrator lost, opening elsewhere", error=str(error), leg=self.ledger.epoch.leg)
            finally:
                self._connected = False
                if stream is not None:
                    stream.cancel()
            again = stream is None or len(avoid) > 1  # who lost one mind is awaited by a caller
            await asyncio.sleep(random.uniform(0.01, 0.15 if again else 0.03))  # noqa: S311 - spreads re-opens

    def end(self) -> None:
        """No more events will come: half-close once all were sent."""
        self._ending = True
        self._more.set()

    async def _converse(self, stream: CallStream) -> None:
        async with background(self._write(stream)) as (writer,):
            async for command in stream:
                self._served = True
                if reason := self.ledger.take(command):
                    DROPPED_COMMANDS.labels(reason).inc()
                elif command.WhichOneof("command") not in (None, "state"):
                    self._take(command)
            if writer.done() and not writer.cancelled() and (failed := writer.exception()) is not None:
                raise failed

    async def _write(self, stream: CallStream) -> None:
        opening = self._opening(self.ledger.turn)
        opening.epoch.CopyFrom(self.ledger.opens())
        opening.state = self.ledger.state
        opening.acked_seq = self.ledger.acked
        opening.last_seq = self.ledger.last
        self._outbox = self.ledger.unacked()
        self._connected = True
        await stream.write(CallEvent(leg_ms=self._leg_ms(), traceparent=telemetry.traceparent(), open=opening))
        while True:
            self._more.clear()
            while self._outbox:
                outbox, self._outbox = self._outbox, []
                for event in outbox:
                    await stream.write(event)
            if self._ending:
                await stream.done_writing()
                return
            await self._more.wait()
