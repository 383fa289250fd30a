"""The newest state of a call that anybody has: its owner in this process, its gateway, or the store.

Who comes back on another leg may be there before the owner of the last leg knows that it is lost: that owner is told,
and a moment is waited for what it then writes down. A state that nobody can read, since NATS is away or since what is
stored is damaged, is given up: the call goes on without its past.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import structlog
from google.protobuf.message import DecodeError

from parley import telemetry
from parley.bus import Bus
from parley.bus.callstate import CallStore, Unreadable
from parley.errors import BadInput, NotFound, Superseded, Unavailable
from parley.v1 import conversation_pb2, events_pb2
from services.orchestrator.mind.state import Epoch
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.conductor import Conductor
from services.orchestrator.run.metrics import PASTS_LOST
from services.orchestrator.wire import messages as wire

log = structlog.get_logger()

READ_S = 3.0  # for the state of a call that comes back to be read
LAST_WORD_S = 0.4  # for the owner of the last leg to write down what was heard there
BACK = "back_on_leg"  # signal to that owner: the leg that the call has come back on

Stored = events_pb2.StoredCall


@dataclass(frozen=True, slots=True)
class Newest:
    """`stored`: None when nobody has one. `unread`: there may be one, but nobody can read it."""

    stored: Stored | None = None
    unread: bool = False


async def newest(
    message: conversation_pb2.Open, epoch: Epoch, own: Conductor | None, store: CallStore, bus: Bus
) -> Newest:
    """For the owner `epoch` that the gateway asks for. `own` is the owner so far, if it is here; it stops.

    Raises Superseded (there is a higher one), NotFound (the call is over), BadInput.
    """
    call_id, unread = message.call_id, False
    found: list[Stored] = []
    if own is not None:
        if own.epoch >= epoch:
            raise Superseded(f"superseded: {call_id} has owner {own.epoch.leg}.{own.epoch.open}")
        if epoch.leg > own.epoch.leg:  # its stream may not know yet that nobody is there
            own.leg_lost("the caller is back on another leg")
        own.halt()
        if own.paper.stored is not None:
            found.append(own.paper.stored)
    if message.state:
        try:
            found.append(Stored.FromString(message.state))
        except DecodeError as e:
            raise BadInput("open.state: not a state of ours; send what the last `state` command had") from e
    if (epoch.leg > 1 or epoch.open > 1) and not message.state:
        entry = await find(store, call_id, READ_S if not found else 0.0)
        unread = entry == "unread"
        if entry == "cleared" and not found:
            raise NotFound(f"{call_id} is over: its state was cleared away")
        if isinstance(entry, Stored):
            found.append(entry if own is not None else await _last_word(entry, epoch, store, bus))
    if not found:
        if unread:
            PASTS_LOST.inc()
        return Newest(unread=unread)
    best = max(found, key=lambda s: (wire.epoch_of(s.epoch), s.version))
    if wire.epoch_of(best.epoch) >= epoch:
        raise Superseded(f"superseded: {call_id} has owner {best.epoch.leg}.{best.epoch.open}")
    return Newest(best)


async def find(store: CallStore, call_id: str, patience_s: float) -> Stored | Literal["cleared", "unread"] | None:
    """What the store has of a call. While NATS does not answer it is asked again, for so long."""
    give_up = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            entry = await store.find(call_id)
            return entry[0] if isinstance(entry, tuple) else entry
        except Unreadable as e:
            log.error("the state of a call is damaged", call_id=call_id, error=str(e))
            return "unread"
        except Unavailable as e:
            if asyncio.get_running_loop().time() >= give_up:
                log.warning("a call comes back whose state cannot be read", call_id=call_id, error=str(e))
                return "unread"
        await asyncio.sleep(0.2)


async def _last_word(entry: Stored, epoch: Epoch, store: CallStore, bus: Bus) -> Stored:
    """What the owner of the last leg, elsewhere, writes down when it learns that the call is back on another."""
    call_id = entry.state.call_id
    if entry.epoch.leg >= epoch.leg or _settled(entry):
        return entry
    signal = events_pb2.CallSignal(call_id=call_id, name=BACK, data=str(epoch.leg), at_ms=now_ms())
    await bus.publish(f"call.{call_id}.signal", signal.SerializeToString(), telemetry.trace_of(call_id))
    give_up = asyncio.get_running_loop().time() + LAST_WORD_S
    while asyncio.get_running_loop().time() < give_up:
        await asyncio.sleep(0.02)
        newer = await find(store, call_id, 0.0)
        if not isinstance(newer, Stored):
            break
        if _settled(entry := newer):
            return entry
    log.warning("the owner of the last leg does not say what was heard there", call_id=call_id)
    return entry


def _settled(stored: Stored) -> bool:
    """Nothing that happened on its leg is missing from it."""
    return stored.state.leg_lost or stored.state.floor.WhichOneof("floor") == "ended"
