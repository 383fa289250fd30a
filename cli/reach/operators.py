"""What an operator may know of the calls, and ask of them: read from their states, said by signals."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from google.protobuf.message import DecodeError

from parley.bus import Bus
from parley.bus.callstate import CallStore, Unreadable
from parley.errors import BadInput, NotBuilt, NotFound, Unavailable
from parley.rpc import Peers, call
from parley.v1 import events_pb2, telephony_pb2, telephony_pb2_grpc
from services.orchestrator.mind.state import BotLine, Call, Ended, Line
from services.orchestrator.wire import codec

MAX_CALLS = 200
READ_AT_ONCE = 20
CONNECT_S = 5.0
ENDING_S = 5.0
PLACE_S = 10.0
MAX_REASON_CHARS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


class _Strange(Unavailable):
    """The state of a call that this version cannot read."""


class Operators:
    """`line`: where the gateways serve `Telephony`; None: nobody has said."""

    def __init__(self, bus: Bus, store: CallStore, line: Peers | None) -> None:
        self._bus = bus
        self._store = store
        self._line = line

    async def calls(self) -> dict[str, Any]:
        """The calls that are on now, the newest first; callers are masked. `unreadable`: so many more are there, of
        another version or damaged. Raises Unavailable."""
        await self._reached()
        ids = await self._store.calls()
        room = asyncio.Semaphore(READ_AT_ONCE)

        async def read(call_id: str) -> Call | NotFound | _Strange:
            async with room:
                try:
                    return await self._state(call_id)
                except (NotFound, _Strange) as e:  # not found: it has ended meanwhile
                    return e

        found = await asyncio.gather(*(read(call_id) for call_id in ids[:MAX_CALLS]))
        live = [state for state in found if isinstance(state, Call) and not isinstance(state.floor, Ended)]
        live.sort(key=lambda state: -state.started_ms)
        return {
            "calls": [_told(state) for state in live],
            "not_shown": max(0, len(ids) - MAX_CALLS),
            "unreadable": sum(isinstance(state, _Strange) for state in found),
        }

    async def transcript(self, call_id: str) -> dict[str, Any]:
        """What was said and heard so far. Raises NotFound, Unavailable, BadInput."""
        await self._reached()
        state = await self._state(call_id)
        lines = [told for line in state.history if (told := _line(line)) is not None]
        return {**_told(state), "lines": lines, "older_lines_not_kept": state.dropped_lines}

    async def hang_up(self, call_id: str, reason: str) -> dict[str, Any]:
        """End a call, after what is being said. Raises NotFound, Unavailable, BadInput."""
        await self._reached()
        if isinstance((await self._state(call_id)).floor, Ended):
            return {"call_id": call_id, "state": "it had ended"}
        data = " ".join(reason.split())[:MAX_REASON_CHARS] or "ended by the operator"
        signal = events_pb2.CallSignal(call_id=call_id, name="hang_up", data=data, at_ms=int(time.time() * 1000))
        await self._bus.publish(f"call.{call_id}.signal", signal.SerializeToString())
        ended = await self._ended(call_id)
        return {"call_id": call_id, "state": "it has ended" if ended else "it ends when what is being said was heard"}

    async def place(self, to: str, agent: str, purpose: str) -> dict[str, Any]:
        """Call a number. Raises NotBuilt, BadInput, Unavailable."""
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            raise BadInput("to: must be a number as +15550100199 (E.164)")
        if self._line is None:
            raise Unavailable("PARLEY_TELEPHONY_ADDRESS: no gateway is known; set it, or start `make run`")
        request = telephony_pb2.PlaceRequest(to=to, agent=agent[:100], purpose=purpose[:500])
        try:
            reply = await call(self._line, telephony_pb2_grpc.TelephonyStub, "Place", request, timeout_s=PLACE_S)
        except NotBuilt as e:
            raise NotBuilt(f"no call was placed, the gateway answers UNIMPLEMENTED: {e}") from None
        return {"call_id": reply.call_id}

    async def _reached(self) -> None:
        if not self._bus.connected and not await self._bus.ready(CONNECT_S):
            raise Unavailable("NATS is away: start `make run`, or set PARLEY_NATS_URL")

    async def _state(self, call_id: str) -> Call:
        if not _ID.fullmatch(call_id):
            raise BadInput("call_id: must be one that list_calls gives")
        try:
            found = await self._store.read(call_id)
            if found is None:
                raise NotFound(f"there is no call {call_id}, or it is long over; list_calls tells those that are on")
            return codec.state_from_proto(found[0].state)
        except (Unreadable, DecodeError, ValueError) as e:
            raise _Strange(f"the state of call {call_id} cannot be read by this version ({type(e).__name__})") from e

    async def _ended(self, call_id: str) -> bool:
        """Whether it is over within ENDING_S."""
        try:
            async with asyncio.timeout(ENDING_S):
                while not isinstance((await self._state(call_id)).floor, Ended):  # noqa: ASYNC110 - a look at the store
                    await asyncio.sleep(0.2)
        except TimeoutError:
            return False
        except NotFound:
            pass
        return True


def masked(caller: str) -> str:
    """A caller's number without what tells who it is."""
    digits = sum(char.isdigit() for char in caller)
    if not caller:
        return ""
    return f"***{caller[-2:]}" if digits >= 7 and caller[-2:].isdigit() else "***"


def _told(state: Call) -> dict[str, Any]:
    return {
        "call_id": state.call_id,
        "agent": state.agent,
        "agent_version": state.agent_version,
        "channel": state.channel,
        "direction": state.direction or "inbound",
        "caller": masked(state.caller_pii),
        "seconds": max(0, int(time.time() - state.started_ms / 1000)),
        "state": type(state.floor).__name__.lower(),
        "turns": state.turn,
        "level": state.level,
    }


def _line(line: Line) -> dict[str, Any] | None:
    """As it was heard; None: nobody has heard anything of it, and it did nothing."""
    if not isinstance(line, BotLine):
        return {"who": "caller", "text": line.text, "at_ms": line.at_ms}
    heard = line.text if line.status == "heard" else line.text[: line.heard]
    tools = [{"name": tool.name, "status": tool.outcome.status if tool.outcome else "running"} for tool in line.tools]
    if not heard.strip() and not tools:
        return None
    shown: dict[str, Any] = {"who": "bot", "text": heard, "at_ms": line.at_ms, "kind": line.kind}
    if line.status == "cut":
        shown["interrupted"] = True
    return shown | ({"tools": tools} if tools else {})
