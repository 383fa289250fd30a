"""`WS /twilio-stream`: from the upgrade to the stop of one Media Stream."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from parley.audio import TELEPHONE
from parley.errors import AtCapacity, NotAllowed, Unavailable
from parley.v1 import conversation_pb2
from services.gateway.call import Call
from services.gateway.carriers.reentry import Entry
from services.gateway.carriers.twilio.signatures import Signatures
from services.gateway.carriers.twilio.webhook import WEBHOOK
from services.gateway.carriers.twilio.wire import DIALECT, TwilioWire
from services.gateway.doors.inbox import KEYS, Flaw, Inbox, count_close
from services.gateway.doors.websocket import NOT_ACCEPTABLE, POLICY, TRY_AGAIN, Closed, WebSocket
from services.gateway.gateway import Gateway
from services.gateway.leg.leg import Ending, Leg
from services.gateway.metrics import REFUSED
from services.gateway.tokens import Claim

log = structlog.get_logger()

_OWN = frozenset(("token", "leg", "from", "to", "agent", "back", "direction", "purpose"))
_LINGER_S = 1.0
LegKind = conversation_pb2.Leg


REMEDIES = {
    "no start": "send connected and start first, within a few seconds",
    "start fields": "callSid and streamSid must be texts, and so must all of customParameters",
    "media format": "mediaFormat must be audio/x-mulaw at 8000 Hz, as a Stream sends it",
    "token": "customParameters.token must be the webhook's, which is good once and not for long; ask it again",
    "token of another call": "send the token that the webhook gave for this callSid",
    "full": "follow the Redirect: another gateway may have room",
    "draining": "follow the Redirect: another gateway takes the call",
}
"""By reason. Both together are what a close frame has room for."""


class Refused(Exception):
    """Not let in: close code and reason, one of REMEDIES."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


async def stream(socket: WebSocket, gateway: Gateway, signatures: Signatures) -> None:
    """One connection. The signature counts at the upgrade, the token in `start`, before any sound is used."""
    if not signatures.upgrade_allowed(socket):
        REFUSED.labels("signature").inc()
        await gateway.crowd.turn_away(socket)
        return
    inbox = Inbox(socket, DIALECT)
    try:
        await socket.accept()
        if (message := await inbox.start()) is None:
            raise Refused(POLICY, "no start")
        start = _checked(message.get("start"))
        claim = _redeem(gateway, start)
        await _serve(socket, inbox, gateway, start, claim)
        await _after(inbox)
    except Refused as refused:
        REFUSED.labels(refused.reason).inc()
        remedy = REMEDIES[refused.reason]
        log.warning("stream refused", reason=refused.reason, remedy=remedy)
        socket.close(refused.code, f"{refused.reason}: {remedy}")
    except Closed as closed:
        count_close(closed.code)


def _checked(start: Any) -> dict[str, Any]:
    if not isinstance(start, dict) or not all(isinstance(start.get(k), str) for k in ("callSid", "streamSid")):
        raise Refused(POLICY, "start fields")
    sound = start.get("mediaFormat")
    if not isinstance(sound, dict) or (sound.get("encoding"), sound.get("sampleRate")) != ("audio/x-mulaw", 8000):
        raise Refused(NOT_ACCEPTABLE, "media format")
    parameters = start.get("customParameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(v, str) for v in parameters.values()):
        raise Refused(POLICY, "start fields")
    start["customParameters"] = parameters
    return start


def _redeem(gateway: Gateway, start: dict[str, Any]) -> Claim:
    try:
        claim = gateway.tokens.redeem(start["customParameters"].get("token", ""), "phone")
    except NotAllowed as error:
        log.warning("token refused", reason=str(error))
        raise Refused(POLICY, "token") from error
    if claim.call_id != start["callSid"]:
        raise Refused(POLICY, "token of another call")
    return claim


def _way_back(given: dict[str, str], claim: Claim) -> str:
    """As our own webhook gave it; what else stands there is not used."""
    path = given.get("back", "")
    return path if path.startswith(f"{WEBHOOK}?") else Entry(claim.agent, claim.leg, door=WEBHOOK).next_leg(time.time())


async def _serve(socket: WebSocket, inbox: Inbox, gateway: Gateway, start: dict[str, Any], claim: Claim) -> None:
    given = start["customParameters"]
    outbound = given.get("direction") == "outbound"
    theirs, ours = ("to", "from") if outbound else ("from", "to")
    call = Call(
        call_id=claim.call_id,
        leg=claim.leg,
        channel="phone",
        carrier="twilio",
        agent=claim.agent,
        format=TELEPHONE,
        caller=given.get(theirs, ""),
        called=given.get(ours, ""),
        way_back=_way_back(given, claim),
        parameters={k: v for k, v in given.items() if k not in _OWN},
        direction="outbound" if outbound else "inbound",
        purpose=given.get("purpose", ""),
    )

    async def listen(leg: Leg) -> Ending:
        with inbox.sound_to(leg.audio):
            return await _listen(inbox, leg)

    try:
        await gateway.serve(call, TwilioWire(socket, start["streamSid"]), listen, fresh=claim.fresh)
    except (AtCapacity, Unavailable) as error:
        gateway.turned_away(claim.call_id)
        raise Refused(TRY_AGAIN, "full" if isinstance(error, AtCapacity) else "draining") from error


async def _listen(inbox: Inbox, leg: Leg) -> Ending:
    """Until the stream stops or the socket is gone."""
    try:
        while True:
            event = await inbox.read()
            if isinstance(event, bytes):
                leg.audio(event)
                continue
            kind = event["event"]
            if kind == "mark":
                mark = event.get("mark")
                if not isinstance(mark, dict) or not leg.returned(str(mark.get("name"))):
                    inbox.bad(Flaw("mark"))
            elif kind == "dtmf":
                dtmf = event.get("dtmf")
                digit = dtmf.get("digit") if isinstance(dtmf, dict) else None
                if isinstance(digit, str) and digit in KEYS:
                    leg.dtmf(digit)
                else:
                    inbox.bad(Flaw("dtmf"))
            elif kind == "stop":
                return LegKind.KIND_ENDED, "stopped by the carrier"
            else:
                inbox.bad(Flaw("second start" if kind == "start" else "unknown event"))
    except Closed as closed:
        count_close(closed.code)
        return LegKind.KIND_LOST, f"socket closed ({closed.code})"


async def _after(inbox: Inbox) -> None:
    """After `stop` the carrier closes; what it still sends is counted."""
    try:
        async with asyncio.timeout(_LINGER_S):
            while True:
                event = await inbox.read()
                inbox.bad(Flaw("media after stop" if isinstance(event, bytes) else "after stop"))
    except TimeoutError:
        return
