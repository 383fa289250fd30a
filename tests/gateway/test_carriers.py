"""Carriers as a seam: another one is a folder and a row; and what others may ask of the line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from parley.errors import BadInput, NotBuilt, NotFound
from parley.rpc import Admission, Peers, Server, call
from parley.v1 import audio_pb2, conversation_pb2, telephony_pb2, telephony_pb2_grpc
from services.gateway import carriers
from services.gateway.telephony import Telephony
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House, running
from tests.gateway.pigeon import Pigeon


@pytest.fixture
async def loft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(carriers, "KNOWN", {**carriers.KNOWN, "pigeon": "tests.gateway.pigeon:Pigeon"})
    async with running(tmp_path) as house:
        yield house


def pigeon(house: House) -> Pigeon:
    found = house.gateway.organs.carriers["pigeon"]
    assert isinstance(found, Pigeon)
    return found


async def ring(house: House, way: str = "/pigeon") -> dict[str, str]:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{house.url}{way}", json={"call": "P1"})
    told: dict[str, str] = answer.json()
    return told


async def dial(house: House, token: str) -> ClientConnection:
    socket = await connect(house.url.replace("http", "ws") + "/pigeon-stream")
    await socket.send(json.dumps({"say": "start", "token": token}))
    return socket


async def test_a_call_comes_by_another_carrier_and_comes_back(loft: House) -> None:
    let = await ring(loft)
    socket = await dial(loft, let["token"])
    owner = await loft.mind.call()
    assert owner.open.channel == conversation_pb2.CHANNEL_PHONE
    assert owner.open.format.encoding == audio_pb2.ENCODING_ALAW
    ears = await loft.stt.call()
    assert ears.received[0].config.format.encoding == audio_pb2.ENCODING_ALAW
    await socket.send(b"\x01" * 1600)
    await ears.until(lambda: any(b"\x01" in request.audio for request in ears.received))
    owner.say(1, "Hello.")
    while not isinstance(await socket.recv(), bytes):
        pass
    await socket.close()
    assert (await owner.next("leg")).leg.reason == "flown away"
    again = await ring(loft, let["back"])
    second = await dial(loft, again["token"])
    assert (await loft.mind.call(2)).open.epoch.leg == 2
    await second.close()


async def test_it_ends_a_call_as_it_can_and_hands_nobody_on(loft: House) -> None:
    socket = await dial(loft, (await ring(loft))["token"])
    owner = await loft.mind.call()
    owner.command(1, transfer=conversation_pb2.Transfer(to="+15550111"))
    trouble = (await owner.next("trouble")).trouble
    assert (trouble.organ, trouble.message) == (
        conversation_pb2.Trouble.ORGAN_CARRIER,
        "transfer failed: pigeon cannot hand a caller on",
    )
    owner.command(1, hang_up=conversation_pb2.HangUp(reason="done"))
    await socket.wait_closed()
    assert pigeon(loft).ended == ["P1"]
    assert (await ring(loft, "/pigeon?leg=2")) == {"hang_up": ""}, "it is over, and does not come back"


@pytest.fixture
async def line(loft: House) -> AsyncIterator[Peers]:
    server = Server("gateway", "127.0.0.1:0", Admission(10))
    named = telephony_pb2.DESCRIPTOR.services_by_name["Telephony"]
    server.add(named, telephony_pb2_grpc.add_TelephonyServicer_to_server, Telephony(loft.gateway))
    await server.start()
    async with Peers("gateway", [f"127.0.0.1:{server.port}"]) as peers:
        assert await peers.ready(PATIENCE_S)
        yield peers
    await server.drain(0)


async def ask(line: Peers, method: str, request: Any) -> Any:
    return await call(line, telephony_pb2_grpc.TelephonyStub, method, request, timeout_s=PATIENCE_S)


async def test_a_call_is_ended_from_outside(loft: House, line: Peers) -> None:
    socket = await dial(loft, (await ring(loft))["token"])
    owner = await loft.mind.call()
    await ask(line, "End", telephony_pb2.EndRequest(call_id="P1", reason="the shop burns"))
    await socket.wait_closed()
    leg = (await owner.next("leg")).leg
    assert (leg.kind, leg.reason) == (conversation_pb2.Leg.KIND_ENDED, "the shop burns")
    await ask(line, "End", telephony_pb2.EndRequest(call_id="P2", carrier="pigeon"))  # its leg is elsewhere
    assert pigeon(loft).ended == ["P1", "P2"]


@pytest.mark.parametrize(
    ("method", "request_", "error", "words"),
    [
        ("End", telephony_pb2.EndRequest(), BadInput, "call_id: expected 1 to 200"),
        ("End", telephony_pb2.EndRequest(call_id="P9"), NotFound, "name its carrier, one of twilio, pigeon"),
        ("End", telephony_pb2.EndRequest(call_id="P9", carrier="owl"), BadInput, "known are twilio, pigeon"),
        ("Place", telephony_pb2.PlaceRequest(to="+15550111"), NotBuilt, "it answers them"),
        ("Connect", telephony_pb2.ConnectRequest(call_id="P1"), NotBuilt, "a tool of the agent"),
        ("Join", telephony_pb2.JoinRequest(), NotBuilt, "not joined"),
    ],
)
async def test_what_the_line_cannot_do_it_says(
    line: Peers, method: str, request_: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await ask(line, method, request_)
