"""The line to the mind: one `Converse` stream after the other, and nothing that matters lost between them."""

from __future__ import annotations

from collections.abc import Callable

from parley import telemetry
from parley.aio import background
from parley.errors import Superseded, Unavailable
from parley.rpc import CallStream, Peers
from parley.rpc.reopened import REFUSED, Reopened, Rules
from parley.rpc.writer import Writer
from parley.v1 import conversation_pb2, conversation_pb2_grpc
from services.gateway.leg.resend import Resend
from services.gateway.metrics import DROPPED_COMMANDS, DROPPED_EVENTS

GOODBYE_S = 2.0
"""How long the end of a leg may take to be told."""
MAX_OUTBOX = 1_000
STREAMS = Rules(
    pauses_s=(0.02, 0.08),  # a caller waits; a mind costs nothing to ask
    give_up_s=10.0,  # then the leg is closed, and the carrier may bring the call back
    at_most=((30, 60.0),),  # a call that kills whoever takes it: no orchestrator can carry it
    hopeless=(Superseded, *REFUSED),
)

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
        self._streams = Reopened(
            "orchestrator",
            lambda avoid: orchestrator.open(conversation_pb2_grpc.ConversationStub, "Converse", avoid=avoid),
            STREAMS,
            leg=leg,
        )
        self._opening = opening
        self._take = take
        self._leg_ms = leg_ms
        self._opened = opened
        self.ledger = Resend(leg)
        self._writer: Writer | None = None
        self._ending = False

    def post(self, event: CallEvent) -> None:
        """Events with a number reach the next owner if this one is lost; others are for whoever listens now."""
        event.leg_ms = self._leg_ms()
        self.ledger.number(event)
        if self._writer is None:
            if not event.seq:
                DROPPED_EVENTS.labels("no orchestrator").inc()
            return
        if len(self._writer) >= MAX_OUTBOX and not event.seq:
            DROPPED_EVENTS.labels("orchestrator does not read").inc()
            return
        self._writer.post(event)

    async def run(self) -> None:
        """Converse until the leg has ended and was told so.

        Raises Superseded (a newer leg or owner exists), NotFound, BadInput, Misconfigured, NotAllowed (asking elsewhere
        does not help); what ended the last stream when nobody serves for 10 s; Unavailable when nobody stores.
        """
        self._streams.moved()
        while True:
            async with self._streams.next() as stream:
                self._opened(stream.peer.address)
                await self._converse(stream)
                if self._ending:
                    return
                raise Unavailable("the orchestrator ended the conversation")
            if self.ledger.full:
                raise Unavailable("nobody stores what was told")

    def end(self) -> None:
        """No more events will come: half-close once all were sent."""
        self._ending = True
        if self._writer is not None:
            self._writer.end()

    async def _converse(self, stream: CallStream) -> None:
        self._writer = Writer(stream, [self._open(), *self.ledger.unacked()])
        if self._ending:
            self._writer.end()
        try:
            async with background(self._writer.run()):
                async for command in stream:
                    self._streams.proven()
                    if reason := self.ledger.take(command):
                        DROPPED_COMMANDS.labels(reason).inc()
                    elif command.WhichOneof("command") not in (None, "state"):
                        self._take(command)
        finally:
            self._writer = None

    def _open(self) -> CallEvent:
        opening = self._opening(self.ledger.turn)
        opening.epoch.CopyFrom(self.ledger.opens())
        opening.state = self.ledger.state
        opening.acked_seq = self.ledger.acked
        opening.last_seq = self.ledger.last
        return CallEvent(leg_ms=self._leg_ms(), traceparent=telemetry.traceparent(), open=opening)
