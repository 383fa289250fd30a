"""Asking an orchestrator whether it decides a recorded call as it was decided."""

from __future__ import annotations

from collections.abc import Sequence

from parley.errors import AtCapacity, BadInput, ParleyError
from parley.rpc import Peers, call
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses
from parley.v1 import conversation_pb2, conversation_pb2_grpc, events_pb2

MOST_BYTES = 3_900_000
WITHIN_S = 5.0

Told = dict[str, object]


class Replays:
    """One at a time: it is a look at one call by a person, and orchestrators have calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._busy = False

    async def verdict(self, records: Sequence[events_pb2.EventRecord]) -> Told:
        """What cannot be told is `unknown`, with why. Raises AtCapacity."""
        data = [record.SerializeToString() for record in records]
        if sum(map(len, data)) > MOST_BYTES:
            return unknown("the call is too long to be replayed at once; `parley replay` can")
        if self._busy:
            raise AtCapacity("another call is replayed now; ask again in a moment")
        self._busy = True
        try:
            reply = await self._asked(conversation_pb2.ReplayRequest(records=data))
        except BadInput as e:
            return unknown(str(e))
        except ParleyError as e:
            return unknown(f"no orchestrator could be asked ({e})")
        finally:
            self._busy = False
        if not (reply.compared or reply.differs):
            return unknown("the call was recorded by an older version: there is nothing to compare with")
        return {
            "verdict": "other" if reply.differs else "same",
            "records": reply.records,
            "compared": reply.compared,
            "inputs": reply.inputs,
            "differs": reply.differs,
            "why": reply.why,
        }

    async def _asked(self, request: conversation_pb2.ReplayRequest) -> conversation_pb2.ReplayResponse:
        where = addresses(self._settings.orchestrator_address)
        async with Peers("orchestrator", where, certificates=Certificates.of(self._settings)) as peers:
            stub = conversation_pb2_grpc.ConversationStub
            reply: conversation_pb2.ReplayResponse = await call(peers, stub, "Replay", request, timeout_s=WITHIN_S)
            return reply


def unknown(why: str) -> Told:
    return {"verdict": "unknown", "records": 0, "compared": 0, "inputs": 0, "differs": "", "why": why}
