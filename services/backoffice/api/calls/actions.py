"""`POST /api/calls/{call_id}/…`: what supervisors may do to a call that is up. It is said to the call as a signal."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends

from parley.errors import Unavailable
from parley.v1 import events_pb2
from services.backoffice.access import Who, needs
from services.backoffice.api.calls.logs import CallId
from services.backoffice.api.calls.shapes import Asked, HangUp, Note, TakeOver, Transfer
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.live.shapes import iso
from services.backoffice.parts import Parts

Supervisor = Annotated[Who, Depends(needs("supervisor"))]
Signal = Literal["hang_up", "transfer", "note"]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(
        prefix="/api/calls/{call_id}", tags=["calls"], responses=answers(401, 403, 404, 409, 413, 422, 429, 503)
    )

    async def say(call_id: str, signal: Signal, data: str, who: Who, kind: str, detail: dict[str, object]) -> Asked:
        """It is in the audit before it is said. Raises NotFound, Problem (409: the call is over), Unavailable."""
        caller = await parts.lookout.caller_of(call_id)
        await parts.audit.note(who.name, kind, call_id, detail, number=caller)
        at_ms = int(time.time() * 1000)
        said = events_pb2.CallSignal(call_id=call_id, name=signal, data=data, at_ms=at_ms, id=uuid.uuid4().hex)
        if not parts.bus.connected:
            raise Unavailable("NATS is away: nothing can be said to the call; try again")
        await parts.bus.publish(f"call.{call_id}.signal", said.SerializeToString())
        return Asked(call_id=call_id, signal=signal, at=iso(at_ms))

    @routes.post("/hang-up", status_code=202)
    async def hang_up(call_id: CallId, who: Supervisor, body: HangUp) -> Asked:
        """The call ends after what is being said."""
        reason = body.reason or f"ended by {who.name}"
        return await say(call_id, "hang_up", reason, who, "call.hang_up", {"reason": reason})

    @routes.post("/transfer", status_code=202)
    async def transfer(call_id: CallId, who: Supervisor, body: Transfer) -> Asked:
        """The bot says so, and the caller is connected to this number."""
        detail: dict[str, object] = {"to": body.to, "reason": body.reason}
        return await say(call_id, "transfer", body.to, who, "call.transfer", detail)

    @routes.post("/take-over", status_code=202)
    async def take_over(call_id: CallId, who: Supervisor, body: TakeOver) -> Asked:
        """The same, to the number of whoever asks."""
        to = body.to or who.number
        if not to:
            own = who.kind == "person"
            remedy = f"give `to`{', or have an admin set the number of your account' if own else ''}"
            raise Problem(422, "no number is known of you", field="body.to", remedy=remedy)
        return await say(call_id, "transfer", to, who, "call.take_over", {"to": to})

    @routes.post("/note", status_code=202)
    async def note(call_id: CallId, who: Supervisor, body: Note) -> Asked:
        """The bot's model is told so from its next words on; the caller is not."""
        return await say(call_id, "note", body.text, who, "call.note", {"text": body.text})

    return routes
