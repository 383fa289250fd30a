"""`WS /ws/voice` and `WS /ws/chat`: a page's call, from upgrade to goodbye."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from parley.audio import BROWSER
from parley.errors import AtCapacity, NotAllowed, Unavailable
from parley.security.origin import same_host
from parley.text.placeholders import NAME, RESERVED
from parley.v1 import conversation_pb2
from services.gateway.call import Call
from services.gateway.doors.inbox import KEYS, Flaw, Inbox, count_close
from services.gateway.doors.page_wire import PageWire, dialect
from services.gateway.doors.websocket import POLICY, TRY_AGAIN, Closed, WebSocket
from services.gateway.gateway import Gateway
from services.gateway.leg.leg import Ending, Leg
from services.gateway.metrics import REFUSED
from services.gateway.mouth.clock import now_ms
from services.gateway.tokens import RESUME_S, Claim, Door

MAX_TEXT = 4_000
"""Characters of one turn that is typed."""
MAX_PARAMETERS = 32
MAX_PARAMETER = 500
MAX_LEGS = 500
"""A page may come back to its call this often."""
MAX_AGAIN = 100
TOKEN_REFUSED = 4003
LegKind = conversation_pb2.Leg


def page_call(claim: Claim, start: dict[str, Any]) -> Call:
    """What is known of a page's call: what its token and its first message say."""
    return Call(
        call_id=claim.call_id,
        leg=claim.leg,
        channel="browser" if claim.door == "voice" else "chat",
        agent=claim.agent,
        format=BROWSER if claim.door == "voice" else None,
        parameters=start.get("parameters", {}),
    )


async def page_socket(
    socket: WebSocket, gateway: Gateway, door: Door, known: Callable[[Claim, dict[str, Any]], Call] = page_call
) -> None:
    """One connection of a page (or of another client with a token), from upgrade to goodbye."""
    if not same_host(socket.headers, gateway.settings.public_url):
        REFUSED.labels("origin").inc()
        await gateway.crowd.turn_away(socket)
        return
    with gateway.crowd.socket(socket) as wait_s:
        if wait_s:
            await socket.refuse(wait_s)
        else:
            await _taken(socket, gateway, door, known)


async def _taken(
    socket: WebSocket, gateway: Gateway, door: Door, known: Callable[[Claim, dict[str, Any]], Call]
) -> None:
    wire = PageWire(socket)
    inbox = Inbox(socket, dialect(sound=door == "voice"), wire.complain)
    try:
        await socket.accept()
        started = await _start(inbox, gateway, door)
        if started is None:
            socket.close(POLICY, "no start")
            return
        claim, start = started
        await _serve(inbox, wire, gateway, claim, known(claim, start))
        socket.close(1000, "over")
    except NotAllowed as error:
        REFUSED.labels("token").inc()
        socket.close(TOKEN_REFUSED, str(error))
    except (AtCapacity, Unavailable) as error:
        REFUSED.labels("full" if isinstance(error, AtCapacity) else "draining").inc()
        socket.close(TRY_AGAIN, "all lines are busy; try again in a moment")
    except Closed as closed:
        count_close(closed.code)


async def _start(inbox: Inbox, gateway: Gateway, door: Door) -> tuple[Claim, dict[str, Any]] | None:
    """The claim of the token in `start`, and that message; None when none comes in time. Raises NotAllowed."""
    message = await inbox.start(_flaw)
    if message is None:
        REFUSED.labels("no start").inc()
        return None
    claim = gateway.tokens.redeem(str(message.get("token", "")), door, _again(message))
    return claim, message


def _again(message: dict[str, Any]) -> int:
    again = message.get("again", 0)
    if not isinstance(again, int) or again is True or not 0 <= again <= MAX_AGAIN:
        raise NotAllowed(f"`again` must be a number from 0 to {MAX_AGAIN}")
    return again


def _flaw(start: dict[str, Any]) -> Flaw | None:
    """How to mend what a page says of its call; None when it is right. What it says is only ever data."""
    parameters = start.get("parameters", {})
    remedy = ""
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        remedy = "`parameters` must be an object of texts"
    elif len(parameters) > MAX_PARAMETERS or any(len(value) > MAX_PARAMETER for value in parameters.values()):
        remedy = f"`parameters` may be {MAX_PARAMETERS}, of {MAX_PARAMETER} characters each"
    elif wrong := next((name for name in parameters if not re.fullmatch(NAME, name) or name in RESERVED), None):
        remedy = f"`parameters`: {wrong[:40]!r} is no name for one; a letter, then up to 39 letters, digits and _"
    return Flaw("parameters", remedy) if remedy else None


async def _serve(inbox: Inbox, wire: PageWire, gateway: Gateway, claim: Claim, call: Call) -> None:
    if claim.leg > MAX_LEGS:
        raise NotAllowed(f"a call may be resumed {MAX_LEGS} times: begin a new one")

    async def listen(leg: Leg) -> Ending:
        back = Claim(claim.call_id, claim.leg + 1, claim.door, claim.agent, fresh=False)
        wire.tell(
            {
                "type": "ready",
                "call_id": claim.call_id,
                "leg": claim.leg,
                "agent": claim.agent,
                "now_ms": round(now_ms(), 1),
                "resume": gateway.tokens.issue(back, RESUME_S),
            }
        )
        with inbox.sound_to(leg.audio):
            return await _listen(inbox, wire, leg)

    await gateway.serve(call, wire, listen, fresh=claim.fresh)


async def _listen(inbox: Inbox, wire: PageWire, leg: Leg) -> Ending:
    try:
        while True:
            message = await inbox.read()
            if isinstance(message, bytes):
                leg.audio(message)
                continue
            if message["type"] == "hang_up":
                return LegKind.KIND_ENDED, "hung up on the page"
            if message["type"] == "ping":
                wire.tell({"type": "pong", "t": message.get("t")})
                continue
            control = _CONTROLS.get(message["type"])
            if control is None:
                inbox.bad(Flaw("unknown event", f"unknown type {message['type'][:40]!r}"))
            elif remedy := control(leg, message):
                inbox.bad(Flaw(message["type"], remedy))
    except Closed as closed:
        return LegKind.KIND_LOST, f"socket closed ({closed.code})"


def _mark(leg: Leg, message: dict[str, Any]) -> str:
    return "" if leg.returned(str(message.get("name"))) else "this mark was never sent, or came back before"


def _button(leg: Leg, message: dict[str, Any]) -> str:
    if not isinstance(message.get("pressed"), bool):
        return "`pressed` must be true or false"
    leg.button(message["pressed"])
    return ""


def _push_to_talk(leg: Leg, message: dict[str, Any]) -> str:
    if not isinstance(message.get("on"), bool):
        return "`on` must be true or false"
    leg.push_to_talk(message["on"])
    return ""


def _dtmf(leg: Leg, message: dict[str, Any]) -> str:
    digit = message.get("digit")
    if not isinstance(digit, str) or digit not in KEYS:
        return "`digit` must be one of 0-9 * # A-D"
    leg.dtmf(digit)
    return ""


def _text(leg: Leg, message: dict[str, Any]) -> str:
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        return "`text` must be words"
    if len(text) > MAX_TEXT:
        return f"`text` may have at most {MAX_TEXT:,} characters"
    leg.typed(text)
    return ""


_CONTROLS: dict[str, Callable[[Leg, dict[str, Any]], str]] = {
    "mark": _mark,
    "button": _button,
    "push_to_talk": _push_to_talk,
    "dtmf": _dtmf,
    "text": _text,
}
