"""A vendor's WebSocket on loopback that says exactly what it was given, to each line its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

BETWEEN_S = 0.001


@dataclass(frozen=True)
class Close:
    """A close frame; code 0 cuts the connection without one."""

    code: int = 0
    reason: str = ""


Step = str | bytes | float | Close
"""A text frame, a binary frame, a pause in seconds, or an end."""
Script = list[Step] | Callable[[str], list[Step]]
"""What is sent; or made from all the text that came."""


@dataclass
class SocketLine:
    """`scripts`: of the first connection, the second and so on; the last one serves all that follow.

    `begins`: the message of the client on which the script is sent. `stays`: the connection lasts until the client ends
    it; else it is closed behind the script. `refuses`: a status instead of an upgrade. `http`: lines for those who ask
    without a socket.
    """

    scripts: list[Script]
    begins: Callable[[Any], bool]
    stays: bool = True
    refuses: int = 0
    http: list[bytes] | None = None
    connections: int = 0
    posts: int = 0
    ended: int = 0
    """Scripts that were sent to their end."""
    said: list[str] = field(default_factory=list)
    """The text that came, by connection (voices)."""


class RawSocket:
    """`lines` by name; a line's base URL is `url/<name>`."""

    def __init__(self) -> None:
        self.lines: dict[str, SocketLine] = {}
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        line = self.lines[request.match_info["line"]]
        if request.method == "POST":
            return await self._post(line, request)
        line.connections += 1
        if line.refuses:
            return web.json_response({"detail": {"status": "refused"}}, status=line.refuses)
        script = line.scripts[min(line.connections, len(line.scripts)) - 1]
        place = len(line.said)
        line.said.append("")
        socket = web.WebSocketResponse(autoping=True, max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            said = json.loads(message.data) if message.type is WSMsgType.TEXT else message.data
            if isinstance(said, dict) and isinstance(said.get("text"), str):
                line.said[place] += said["text"].lstrip() if not line.said[place] else said["text"]
            if isinstance(said, dict) and said.get("type") == "CloseStream":
                break
            if script and line.begins(said):
                steps = script(line.said[place]) if callable(script) else script
                script = []
                if not await _play(request, socket, steps):
                    return socket
                line.ended += 1
                if not line.stays:
                    break
        await socket.close()
        return socket

    async def _post(self, line: SocketLine, request: web.Request) -> web.StreamResponse:
        await request.read()
        line.posts += 1
        if line.http is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for data in line.http:
            await response.write(data)
            await asyncio.sleep(BETWEEN_S)
        await response.write_eof()
        return response


async def _play(request: web.Request, socket: web.WebSocketResponse, steps: list[Step]) -> bool:
    """Says it all. False: the script itself has ended the connection, or the client has gone."""
    for step in steps:
        if socket.closed:
            return False
        try:
            if isinstance(step, Close):
                if step.code:
                    await socket.close(code=step.code, message=step.reason.encode()[:120])
                elif request.transport is not None:
                    request.transport.abort()
                return False
            if isinstance(step, float):
                await asyncio.sleep(step)
                continue
            await (socket.send_bytes(step) if isinstance(step, bytes) else socket.send_str(step))
            await asyncio.sleep(BETWEEN_S)
        except ConnectionError:
            return False
    return True


@asynccontextmanager
async def raw_socket() -> AsyncIterator[RawSocket]:
    server = RawSocket()
    app = web.Application()
    app.router.add_route("*", "/{line}/{rest:.*}", server.serve)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
