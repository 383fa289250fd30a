"""Far ends that send more than a telephone or a page does, and more calls than the services behind can carry."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import websockets

from services.gateway.doors.flood import MAX_AHEAD_MS, MAX_SURPLUS_MS, MESSAGES_AT_ONCE, Flood, of_messages
from services.gateway.metrics import BAD_MESSAGES, FLOOD_MS, FULL_ORGAN
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House
from tests.gateway.handset import Handset
from tests.gateway.webhook import ask_webhook, words


class Wire:
    """Only closed here."""

    def __init__(self) -> None:
        self.closed: list[tuple[int, str]] = []

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def send(flood: Flood, seconds: float, speed: float, since: float = 0.0) -> int:
    """ms of sound that pass, of frames of 20 ms sent at `speed` times their own."""
    frames = int(seconds * 50 * speed)
    return sum(20 for n in range(frames) if flood.passes(160, since + n * 20 / speed))


def test_sound_as_it_sounds_passes_and_so_does_what_a_network_held_back() -> None:
    flood = Flood(8, wire := Wire())
    assert send(flood, 60, 1.0, 1e9) == 60_000
    assert send(flood, 0.001, 5_000, 1e9 + 65_000) == 5_000, "five seconds that came at once"
    assert send(flood, 60, 1.0, 1e9 + 66_000) == 60_000
    assert not wire.closed


def test_ten_times_as_much_sound_as_time_is_thrown_away_and_then_closed() -> None:
    flood = Flood(8, wire := Wire())
    before = FLOOD_MS._value.get()
    heard = send(flood, 3.0, 10.0, 1e9)
    assert abs(heard - (3_000 + MAX_AHEAD_MS)) <= 40
    assert FLOOD_MS._value.get() - before == 30_000 - heard
    assert not wire.closed
    send(flood, MAX_SURPLUS_MS / 8_000, 10.0, 1e9 + 3_000)
    assert wire.closed[0] == (1008, "more sound than time")


def test_marks_of_a_long_answer_may_come_back_at_once() -> None:
    allowance = of_messages()
    assert [allowance.takes(1, 1e9) for _ in range(401)].count(True) == MESSAGES_AT_ONCE
    assert [allowance.takes(1, 1e9 + 1_000) for _ in range(60)].count(True) == 50


async def test_a_phone_that_sends_minutes_in_a_second_is_closed_and_another_call_goes_on(house: House) -> None:
    good = await Handset().dial(house.url, "CA1")
    owner = await house.mind.call()
    owner.say(1, "one two three four five six")
    await owner.next("utterance_started")
    bad = await Handset().dial(house.url, "CA2")
    await house.mind.call(2)
    await bad.speak(60_000)
    assert await bad.close_code() == 1008
    assert (await owner.next("heard")).heard.complete
    await good.hang_up()
    await bad.close()


async def test_a_page_that_does_not_stop_to_send_control_is_closed(house: House) -> None:
    before = BAD_MESSAGES.labels("flood")._value.get()
    async with httpx.AsyncClient() as client:
        token = (await client.get(f"{house.url}/api/session")).json()["token"]
    async with websockets.connect(f"{house.url.replace('http', 'ws')}/ws/voice", compression=None) as socket:
        await socket.send(f'{{"type":"start","token":"{token}"}}')
        try:
            for _ in range(2_000):
                await socket.send('{"type":"dtmf","digit":"1"}')
            async with asyncio.timeout(PATIENCE_S):
                async for _ in socket:
                    pass
        except websockets.ConnectionClosed:
            pass
        assert socket.close_code == 1008
    assert BAD_MESSAGES.labels("flood")._value.get() - before >= 50


async def test_a_new_call_for_which_the_ears_have_no_room_is_asked_to_wait_and_one_that_comes_back_is_let_in(
    house: House,
) -> None:
    (stt,) = house.organs["stt"]
    (peer,) = house.gateway.organs.stt.all
    before = FULL_ORGAN.labels("stt")._value.get()
    stt.admission.active = 950
    async with asyncio.timeout(PATIENCE_S):
        while peer.load < 0.9:  # noqa: ASYNC110 - beats tell nobody
            await asyncio.sleep(0.02)
    assert words(await ask_webhook(house.url)) == ["Pause", "Redirect"]
    assert words(await ask_webhook(house.url, query="?try=3")) == ["Say", "Hangup"]
    assert FULL_ORGAN.labels("stt")._value.get() > before
    async with httpx.AsyncClient() as client:
        token = (await client.get(f"{house.url}/api/session")).json()["token"]
    async with websockets.connect(f"{house.url.replace('http', 'ws')}/ws/voice", compression=None) as socket:
        await socket.send(f'{{"type":"start","token":"{token}"}}')
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (1013, "all lines are busy; try again in a moment")
    back = await Handset().dial(house.url, "CA3", "?leg=2")
    await house.mind.call()
    await back.hang_up()
    stt.admission.active = 0
