"""The process as a whole: many calls, going away, far ends that do not read, the carrier's REST API."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from aiohttp import web

from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.doors.websocket import WebSocket
from services.gateway.metrics import CARRIER, SLOW_READERS, STOP_TO_CLEAR
from services.gateway.tokens import Claim
from services.gateway.watch.floor import LONG_MS
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House, running
from tests.gateway.handset import Handset
from tests.gateway.webhook import ask_webhook, words


async def short_call(house: House, call_sid: str) -> None:
    before = len(house.mind.talks)
    phone = await Handset().dial(house.url, call_sid)
    owner = await house.mind.call(before + 1)
    owner.say(1, "Hi")
    await owner.next("utterance_started")
    await phone.speak(100)
    await phone.hang_up()
    await owner.next("leg")


async def settled(house: House) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(house.gateway.house) or len(house.gateway.organs.clock):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)


async def test_a_hundred_short_calls_leave_nothing_behind(house: House) -> None:
    await short_call(house, "CA0")
    await settled(house)
    gc.collect()
    tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for n in range(100):
        await short_call(house, f"CA{n + 1}")
    await settled(house)
    gc.collect()
    async with asyncio.timeout(PATIENCE_S):
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 — gRPC ends its own a little later
            await asyncio.sleep(0.02)
    assert len(os.listdir("/proc/self/fd")) <= files
    for peers in (house.gateway.organs.stt, house.gateway.organs.tts, house.gateway.organs.orchestrator):
        assert not any(peer.streams for peer in peers.all)


async def test_a_stop_is_on_the_wire_within_5_ms(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    count = STOP_TO_CLEAR._sum.get()
    for n in range(1, 11):
        owner.say(n, "one two three four", turn=n)
        await owner.next("utterance_started", n)
        owner.command(n, stop=conversation_pb2.Stop())
        await owner.next("heard", n)
    assert (STOP_TO_CLEAR._sum.get() - count) / 10 < 5
    await phone.until(lambda: len(phone.cleared_at) == 10)
    await phone.hang_up()


async def test_sigterm_lets_calls_end_before_any_socket_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path, PARLEY_DRAIN_S=5) as house:
        phone = await Handset().dial(house.url)
        owner = await house.mind.call()
        house.server.handle_exit(signal.SIGTERM, None)
        twiml = await ask_webhook(house.url, "CA2")
        assert words(twiml) == ["Pause", "Redirect"]
        owner.say(1, "one two three")
        assert (await owner.next("heard")).heard.complete
        await phone.hang_up()
        async with asyncio.timeout(PATIENCE_S):
            while not house.server.should_exit:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_calls_that_last_are_moved_in_a_quiet_moment(tmp_path: Path) -> None:
    async with running(tmp_path, PARLEY_DRAIN_S=0.1) as house:
        phone = await Handset().dial(house.url)
        owner = await house.mind.call()
        owner.say(1, "one two three four")
        await owner.next("utterance_started")
        house.server.handle_exit(signal.SIGTERM, None)
        assert await phone.close_code() == 1012
        assert (await owner.next("heard")).heard.complete
        leg = (await owner.next("leg")).leg
        assert leg.kind == conversation_pb2.Leg.KIND_LOST
        assert "going away" in leg.reason
        await phone.close()


async def test_a_caller_whose_turn_is_not_surely_over_is_not_moved(tmp_path: Path) -> None:
    """What no recogniser has made final would be lost with its ears: the caller was asked to say it all again."""
    async with running(tmp_path, PARLEY_DRAIN_S=0.1) as house:
        phone = await Handset().dial(house.url)
        owner, ears = await house.mind.call(), await house.stt.call()
        interim = stt_pb2.Interim(text="tell me of it", start_ms=20, end_ms=800)
        ears.send(
            stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)),
            stt_pb2.RecognizeEvent(interim=interim),
            stt_pb2.RecognizeEvent(speech_stopped=stt_pb2.SpeechStopped(offset_ms=900)),
            stt_pb2.RecognizeEvent(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_EAGER, offset_ms=1000)),
        )
        await owner.until(lambda: len(owner.events("speech")) == 4)
        house.server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(2 * LONG_MS / 1000)
        assert not owner.events("leg")
        confirmed = stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, offset_ms=1200)
        ears.send(stt_pb2.RecognizeEvent(turn_ended=confirmed))
        assert await phone.close_code() == 1012
        await owner.next("leg")
        await phone.close()


async def test_a_draining_gateway_takes_no_new_stream(house: House) -> None:
    token = house.gateway.tokens.issue(Claim("CA1", 2, "phone", "frontdesk", False))
    house.gateway.house.admission.draining = True
    phone = Handset()
    await phone.open(house.url.replace("http", "ws") + "/twilio-stream", {}, "CA1", "AC1", {"token": token})
    assert await phone.close_code() == 1013
    await phone.close()


async def test_a_far_end_that_does_not_read_is_cut() -> None:
    full = asyncio.Event()
    cut: list[bool] = []

    class Server:
        class transport:  # noqa: N801 - named as uvicorn's
            abort = staticmethod(lambda: cut.append(True))

        async def send(self, message: Any) -> None:
            await full.wait()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {"headers": [], "path": "/", "scheme": "ws", "client": ("127.0.0.1", 1)}
    socket = WebSocket(scope, receive, Server().send)
    before = SLOW_READERS._value.get()
    socket.post_text("x")
    socket.post_text("y")
    assert cut == [True]
    assert SLOW_READERS._value.get() == before + 1


async def test_a_real_slow_reader_is_cut(house: House) -> None:
    house_url = house.url.replace("http", "ws")
    async with httpx.AsyncClient() as client:
        token = (await client.get(f"{house.url}/api/session")).json()["token"]
    async with websockets.connect(f"{house_url}/ws/voice", compression=None, max_queue=1) as socket:
        await socket.send(f'{{"type":"start","token":"{token}"}}')
        owner = await house.mind.call()
        socket.transport.pause_reading()
        for n in range(4000):
            owner.command(1, show=conversation_pb2.Show(name="big", json="x" * 20_000))
            if n % 100 == 0:
                await asyncio.sleep(0.01)
            if owner.events("leg"):
                break
        leg = (await owner.next("leg")).leg
        assert leg.kind == conversation_pb2.Leg.KIND_LOST
        socket.transport.abort()


@asynccontextmanager
async def carrier(status: int = 200, code: int = 0) -> AsyncIterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """The carrier's REST API on loopback: what was asked of it."""
    asked: list[tuple[str, dict[str, str]]] = []

    async def update(request: web.Request) -> web.Response:
        asked.append((request.path, {k: str(v) for k, v in (await request.post()).items()}))
        body = {"sid": "CA1", "status": "completed"} if status == 200 else {"code": code, "message": "no"}
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Calls/{call}.json", update)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


ACCOUNT: dict[str, Any] = {
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "token",
    "PARLEY_PUBLIC_URL": "https://bot.example.com",
}


async def signed_call(house: House) -> Handset:
    phone = Handset()
    house.gateway.organs.carriers["twilio"]._signatures._validators.clear()  # type: ignore[attr-defined]
    token = house.gateway.tokens.issue(Claim("CA1", 1, "phone", "frontdesk", True))
    await phone.open(house.url.replace("http", "ws") + "/twilio-stream", {}, "CA1", "AC1", {"token": token})
    return phone


@pytest.mark.parametrize(
    ("status", "code", "outcome"), [(200, 0, "ok"), (404, 20404, "was over"), (401, 20003, "failed")]
)
async def test_a_hang_up_goes_to_the_carrier_first(tmp_path: Path, status: int, code: int, outcome: str) -> None:
    async with carrier(status, code) as (url, asked), running(tmp_path, **ACCOUNT, TWILIO_API_BASE_URL=url) as house:
        before = CARRIER.labels("hang_up", outcome)._value.get()
        phone = await signed_call(house)
        owner = await house.mind.call()
        owner.command(1, hang_up=conversation_pb2.HangUp(reason="done"))
        assert await phone.close_code() == 1000
        assert asked == [("/2010-04-01/Accounts/AC1/Calls/CA1.json", {"Status": "completed"})]
        assert CARRIER.labels("hang_up", outcome)._value.get() == before + 1
        assert await house.gateway.is_over("CA1")
        await phone.close()


async def test_a_transfer_dials_and_names_the_way_back(tmp_path: Path) -> None:
    async with carrier() as (url, asked), running(tmp_path, **ACCOUNT, TWILIO_API_BASE_URL=url) as house:
        phone = await signed_call(house)
        owner = await house.mind.call()
        owner.say(1, "One moment")
        assert (await owner.next("heard")).heard.complete
        owner.command(1, transfer=conversation_pb2.Transfer(to="+15550111"))
        async with asyncio.timeout(PATIENCE_S):
            while not asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        twiml = asked[0][1]["Twiml"]
        assert "<Number>+15550111</Number>" in twiml
        assert "https://bot.example.com/twilio-webhook?leg=2&amp;agent=frontdesk" in twiml
        await phone.hang_up()
        leg = (await owner.next("leg")).leg
        assert (leg.kind, leg.reason) == (conversation_pb2.Leg.KIND_LOST, "transferred")


async def test_a_transfer_that_cannot_be_is_told(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.command(1, transfer=conversation_pb2.Transfer(to="reception"))
    assert "E.164" in (await owner.next("trouble")).trouble.message
    await phone.hang_up()
