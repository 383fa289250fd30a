"""What the stored state of a call says to a gateway that does not know the call."""

from __future__ import annotations

from parley.bus.callstate import CallStore, Unreadable
from services.gateway.gateway import Ended


def ended_by_state(store: CallStore) -> Ended:
    """Whether the mind has ended a call. The function raises Unavailable when the state cannot be read."""

    async def ended(call_id: str) -> bool:
        try:
            found = await store.find(call_id)
        except Unreadable:  # its owner goes on without it, and ends the call or writes over it
            return False
        if found == "cleared":
            return True
        return found is not None and found[0].state.floor.WhichOneof("floor") == "ended"

    return ended
