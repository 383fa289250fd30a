"""A carrier that nobody has: what a new one takes. Its webhook speaks JSON, its stream binary A-law."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from parley.audio import TELEPHONE_ALAW
from parley.settings import Settings
from parley.v1 import conversation_pb2
from services.gateway.call import Call
from services.gateway.carriers.arrival import AskAgain, HandOn, HangUp, Let, arrived
from services.gateway.carriers.carrier import Capabilities, Door, SocketDoor
from services.gateway.carriers.reentry import Entry
from services.gateway.doors.inbox import Dialect, Flaw, Inbox
from services.gateway.doors.page_wire import PageWire
from services.gateway.doors.websocket import Closed, WebSocket
from services.gateway.gateway import Gateway
from services.gateway.leg.leg import Ending, Leg


class Pigeon:
    """Brings calls back and ends them; hands nobody on, and tells of no marks."""

    name = "pigeon"
    capabilities = Capabilities(formats=(TELEPHONE_ALAW,), brings_back=True, hang_up=True)

    def __init__(self, settings: Settings) -> None:
        self.ended: list[str] = []

    @property
    def webhooks(self) -> Mapping[str, Door]:
        return {"/pigeon": self._webhook}

    @property
    def streams(self) -> Mapping[str, SocketDoor]:
        return {"/pigeon-stream": self._stream}

    async def hang_up(self, call_id: str) -> None:
        self.ended.append(call_id)

    async def transfer(self, call: Call, to: str) -> None:
        raise AssertionError("it said that it cannot")

    async def close(self) -> None: ...

    async def _webhook(self, request: Request, gateway: Gateway) -> Response:
        entry = Entry.of("/pigeon", request.query_params, gateway.settings.agent, time.time())
        match await arrived(gateway, (await request.json())["call"], entry, time.time(), returned=False):
            case HangUp(words):
                return JSONResponse({"hang_up": words})
            case HandOn(to, words):
                return JSONResponse({"hand_on": to, "words": words})
            case AskAgain(way):
                return JSONResponse({"again": way})
            case Let(token, back):
                return JSONResponse({"token": token, "back": back})

    async def _stream(self, socket: WebSocket, gateway: Gateway) -> None:
        inbox = Inbox(socket, Dialect("say", lambda frame: frame or Flaw("empty"), binary=True))
        await socket.accept()
        start: dict[str, Any] = await inbox.start() or {}
        claim = gateway.tokens.redeem(start["token"], "phone")
        call = Call(claim.call_id, claim.leg, "phone", claim.agent, TELEPHONE_ALAW, carrier=self.name)

        async def listen(leg: Leg) -> Ending:
            with inbox.sound_to(leg.audio):
                try:
                    while True:
                        if isinstance(sound := await inbox.read(), bytes):
                            leg.audio(sound)
                except Closed:
                    return conversation_pb2.Leg.KIND_LOST, "flown away"

        await gateway.serve(call, PageWire(socket), listen, fresh=claim.fresh)
