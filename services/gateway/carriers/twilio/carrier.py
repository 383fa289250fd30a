"""Twilio as a carrier: its doors, its account, what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response

from parley.audio import TELEPHONE
from parley.settings import Settings
from services.gateway.call import Call
from services.gateway.carriers.carrier import Capabilities, Door, SocketDoor
from services.gateway.carriers.twilio.rest import Account
from services.gateway.carriers.twilio.signatures import Signatures
from services.gateway.carriers.twilio.stream import stream
from services.gateway.carriers.twilio.webhook import WEBHOOK, webhook
from services.gateway.doors.websocket import WebSocket
from services.gateway.gateway import Gateway


class Twilio:
    """See Carrier. Without an account calls end by closing their socket, and transfers are refused."""

    name = "twilio"
    capabilities = Capabilities(
        formats=(TELEPHONE,), marks=True, keys=True, brings_back=True, hang_up=True, transfer=True
    )

    def __init__(self, settings: Settings) -> None:
        self._signatures = Signatures(settings)
        self._account = Account(settings)

    @property
    def webhooks(self) -> Mapping[str, Door]:
        return {WEBHOOK: self._webhook}

    @property
    def streams(self) -> Mapping[str, SocketDoor]:
        return {"/twilio-stream": self._stream, "/twilio-stream/": self._stream}

    async def hang_up(self, call_id: str) -> None:
        await self._account.hang_up(call_id)

    async def transfer(self, call: Call, to: str) -> None:
        await self._account.transfer(call, to)

    async def close(self) -> None:
        await self._account.close()

    async def _webhook(self, request: Request, gateway: Gateway) -> Response:
        return await webhook(request, gateway, self._signatures)

    async def _stream(self, socket: WebSocket, gateway: Gateway) -> None:
        await stream(socket, gateway, self._signatures)
