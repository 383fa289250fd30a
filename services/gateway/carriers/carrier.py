"""What a telephone company is to this gateway: two doors, and what it does with a call when it is asked to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fastapi import Request, Response

from parley.audio import AudioFormat
from services.gateway.call import Call
from services.gateway.doors.websocket import WebSocket

if TYPE_CHECKING:
    from services.gateway.gateway import Gateway

Door = Callable[[Request, "Gateway"], Awaitable[Response]]
SocketDoor = Callable[[WebSocket, "Gateway"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What it can do. What it cannot is refused in words, and never tried.

    `marks`: it tells when what was sent has been played. `brings_back`: a call whose stream is lost comes back as the
    next leg. `formats`: sound on its stream, the preferred one first.
    """

    formats: tuple[AudioFormat, ...]
    marks: bool = False
    keys: bool = False
    brings_back: bool = False
    hang_up: bool = False
    transfer: bool = False
    place: bool = False
    join: bool = False


class Carrier(Protocol):
    """One per process. `webhooks` and `streams`: its doors by path."""

    name: str
    capabilities: Capabilities

    @property
    def webhooks(self) -> Mapping[str, Door]: ...

    @property
    def streams(self) -> Mapping[str, SocketDoor]: ...

    async def hang_up(self, call_id: str) -> None:
        """End the call. Never raises: a call that cannot be ended is refused when it comes back."""

    async def transfer(self, call: Call, to: str) -> None:
        """Connect the caller to a number (E.164); a call nobody takes comes back as the next leg.

        Raises BadInput (no number), Misconfigured (no account, or refused), Unavailable.
        """

    async def close(self) -> None: ...
