"""The short way of sound: the same bytes, however they are cut and whatever stands between them, mean the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from services.gateway.doors.frames import TappedProtocol
from services.gateway.doors.websocket import Closed, WebSocket
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House
from tests.gateway.handset import Handset
from tests.gateway.organs import audio_of
from tests.gateway.test_bad_input import count, media

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MAX = 2_000


def frame(payload: bytes, head: int = 0x81, masked: bool = True) -> bytes:
    """One frame of a client."""
    mask = os.urandom(4) if masked else b""
    size = len(payload)
    short = bytes([(0x80 if masked else 0) | (size if size < 126 else 126 if size < 65536 else 127)])
    length = b"" if size < 126 else size.to_bytes(2 if size < 65536 else 8, "big")
    body = bytes(b ^ mask[n % 4] for n, b in enumerate(payload)) if masked else payload
    return bytes([head]) + short + length + mask + body


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - seen from outside of the server
            await asyncio.sleep(0.005)


class Line:
    """A server's end with the tap open: `taken` is what went the short way, `read` what came the usual one."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.read: list[str | bytes] = []
        self.code = 0
        self.ready = asyncio.Event()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        socket.tap(self._take)
        self.ready.set()
        try:
            while True:
                self.read.append(await socket.read())
        except Closed as closed:
            self.code = closed.code

    def _take(self, message: bytes) -> bool:
        if good := message.startswith(b"sound"):
            self.taken.append(message)
        return good


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Line, asyncio.StreamReader, asyncio.StreamWriter]]:
    server, state = Line(), uvicorn.server.ServerState()
    config = uvicorn.Config(
        server.app, interface="asgi3", ws=TappedProtocol, ws_max_size=MAX, ws_per_message_deflate=False, log_config=None
    )
    config.load()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: TappedProtocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    writer.write(UPGRADE)
    async with asyncio.timeout(PATIENCE_S):
        await reader.readuntil(b"\r\n\r\n")
        await server.ready.wait()
    try:
        yield server, reader, writer
    finally:
        writer.close()
        listening.close()
        await asyncio.gather(*state.tasks)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 127, 100_000])
async def test_sound_goes_the_short_way_however_it_is_cut(cut: int) -> None:
    sounds = [b"sound %d " % n + b"x" * (n * 50) for n in range(12)]
    stream = b"".join(map(frame, sounds)) + frame(b"goodbye")
    async with line() as (server, _, writer):
        for at in range(0, len(stream), cut):
            writer.write(stream[at : at + cut])
            await asyncio.sleep(0)
        await until(lambda: server.read)
        assert server.taken == sounds
        assert server.read == ["goodbye"]


async def test_nothing_overtakes_what_waits_to_be_read() -> None:
    async with line() as (server, _, writer):
        writer.write(frame(b"sound 1") + frame(b"mark") + frame(b"sound 2") + frame(b"sound 3"))
        await until(lambda: len(server.read) == 3)
        assert server.taken == [b"sound 1"]
        assert server.read == ["mark", "sound 2", "sound 3"]
        writer.write(frame(b"sound 4"))
        await until(lambda: server.taken[1:] == [b"sound 4"])


async def test_pieces_and_pings_are_the_librarys() -> None:
    async with line() as (server, reader, writer):
        writer.write(frame(b"sound in ", head=0x01) + frame(b"?", head=0x89) + frame(b"pieces", head=0x80))
        await until(lambda: server.read)
        assert server.read == ["sound in pieces"]
        assert await reader.readexactly(3) == b"\x8a\x01?"
        writer.write(frame(b"bytes", head=0x82) + frame(b"sound"))
        await until(lambda: len(server.read) + len(server.taken) == 3)
        assert server.read[1] == b"bytes"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"sound", masked=False), 1002),
        (frame(b"sound" * 1000), 1009),
        (frame(b"sound" * 20_000), 1009),
        (frame(b"sound", head=0xC1), 1002),
        (frame(b"half a ", head=0x01) + frame(b"sound"), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"\x03\xe8", head=0x88), 1000),
    ],
    ids=["not masked", "too long", "much too long", "unknown bits", "a half, then a whole", "no text", "goodbye"],
)
async def test_a_broken_frame_ends_as_the_library_says_and_nothing_after_it_counts(sent: bytes, code: int) -> None:
    async with line() as (server, _, writer):
        writer.write(sent + frame(b"sound after"))
        await until(lambda: server.code)
        assert server.code == code
        assert b"sound after" not in server.taken


async def test_media_goes_the_short_way_and_after_stop_is_counted(house: House) -> None:
    phone = await Handset().dial(house.url)
    await house.mind.call()
    ears = await house.stt.call()
    await phone.speak(400)
    await ears.until(lambda: len(audio_of(ears)) >= 320 * 8)
    before = count("media after stop")
    phone.wire.send('{"event":"stop","streamSid":"MZ1"}')
    phone.wire.send(media())
    await until(lambda: count("media after stop") == before + 1)
    await phone.close()
