"""`python -m testbed.eval.processes.gateway`: the gateway, with one more door, at which a caller types on a phone line.

`WS /ws/line` is the page's chat (docs/protocol.md), whose `start` may also say what a carrier says of a call:
`caller`, `called`, `direction`, `purpose`. Its calls have fillers, and silences are noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parley.settings import Settings
from services.gateway import carriers
from services.gateway.__main__ import main
from services.gateway.call import Call
from services.gateway.carriers.carrier import Capabilities, Door, SocketDoor
from services.gateway.doors.page_socket import page_call, page_socket
from services.gateway.doors.websocket import WebSocket
from services.gateway.gateway import Gateway
from services.gateway.tokens import Claim

LINE = "/ws/line"


def line_call(claim: Claim, start: dict[str, Any]) -> Call:
    told = {name: str(start[name]) for name in ("caller", "called", "direction", "purpose") if start.get(name)}
    return replace(page_call(claim, start), channel="browser", **told)  # type: ignore[arg-type]


class Typists:
    """A carrier only in that it has a door: its calls end as a page's do."""

    name = "typists"
    capabilities = Capabilities(formats=())
    webhooks: Mapping[str, Door] = {}

    def __init__(self, settings: Settings) -> None: ...

    @property
    def streams(self) -> Mapping[str, SocketDoor]:
        return {LINE: _typed}

    async def hang_up(self, call_id: str) -> None: ...

    async def transfer(self, call: Call, to: str) -> None: ...

    async def close(self) -> None: ...


async def _typed(socket: WebSocket, gateway: Gateway) -> None:
    await page_socket(socket, gateway, "chat", line_call)


if __name__ == "__main__":
    carriers.KNOWN[Typists.name] = f"{__spec__.name}:{Typists.__name__}"
    main()
