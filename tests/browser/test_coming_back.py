"""A network that breaks, a gateway that dies: the page comes back to its call by itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from parley.v1 import conversation_pb2
from testbed.patience import PATIENCE_S
from testbed.road import Address, road
from tests.browser.chromium import DEVICE_RATE, Chromium, visiting, write_wav
from tests.gateway.conftest import House, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def silence(sounds: Path) -> Path:
    return write_wav(sounds / "silence.wav", np.zeros(DEVICE_RATE, np.int16), DEVICE_RATE)


def door(house: House) -> Address:
    return "127.0.0.1", int(urlsplit(house.url).port or 0)


async def test_a_network_that_is_cut_for_seconds_is_survived(house: House, chromium: Chromium, silence: Path) -> None:
    async with road(door(house)) as way, visiting(chromium, way.url, microphone=silence) as visit:
        await visit.call()
        owner = await house.mind.call()
        owner.say(1, "Hello there")
        await owner.next("heard")
        way.cut()
        assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_LOST
        await visit.status("Connection lost, coming back")
        tries = way.connections
        await visit.until(lambda: way.connections >= tries + 2)
        way.mend()
        again = await house.mind.call(2)
        assert (again.open.call_id, again.open.epoch.leg) == (owner.open.call_id, 2)
        again.say(2, "I am back")
        await again.next("heard")
        await visit.status("Listening to you")
        assert visit.sockets.controls("error", sent=False) == []


async def test_a_network_that_falls_silent_is_left(house: House, chromium: Chromium, silence: Path) -> None:
    """Nobody closes anything, nothing arrives: pings without an answer tell."""
    async with road(door(house)) as way, visiting(chromium, way.url, microphone=silence) as visit:
        await visit.page.clock.install()
        await visit.call()
        owner = await house.mind.call()
        owner.say(1, "Hello there")
        await owner.next("heard")
        way.stall()
        for _ in range(5):
            await visit.page.clock.run_for(2_000)
        await visit.status("Connection lost, coming back")
        await visit.page.clock.run_for(6_000)
        way.mend()
        await visit.status("Connected", timeout_s=PATIENCE_S)
        newest = max(house.mind.talks, key=lambda talk: talk.open.epoch.leg)
        assert newest.open.call_id == owner.open.call_id
        assert visit.sockets.controls("ready", sent=False)[-1][1]["leg"] == newest.open.epoch.leg
        newest.say(2, "I am back")
        await newest.next("heard")
        await visit.status("Listening to you")


async def test_a_call_goes_on_at_another_gateway(tmp_path: Path, chromium: Chromium, silence: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    async with (
        running(tmp_path / "here", PARLEY_SECRET="one") as here,
        running(tmp_path / "there", PARLEY_SECRET="one") as there,
        road(door(here), door(there)) as way,
        visiting(chromium, way.url, microphone=silence) as visit,
    ):
        await visit.call()
        owner = await here.mind.call()
        await visit.status("Connected")
        way.targets = [door(there)]
        way.cut()
        way.mend()
        again = await there.mind.call()
        assert (again.open.call_id, again.open.epoch.leg) == (owner.open.call_id, 2)
        again.say(1, "I am back")
        await again.next("heard")
        await visit.status("Listening to you")
        assert await visit.entries() == [("agent", "I am back", "")]


async def test_a_call_that_finds_no_room_when_it_comes_back_asks_again(
    house: House, chromium: Chromium, silence: Path
) -> None:
    """Busy is no end of a call that has begun: another gateway may have room, or this one in a moment."""
    async with road(door(house)) as way, visiting(chromium, way.url, microphone=silence) as visit:
        await visit.call()
        await house.mind.call()
        await visit.status("Connected")
        house.gateway.house.admission.draining = True
        way.cut()
        way.mend()
        await visit.until(lambda: visit.sockets.opened >= 3)
        await visit.status("Connection lost, coming back")
        house.gateway.house.admission.draining = False
        assert (await house.mind.call(2)).open.epoch.leg >= 2
        await visit.status("Connected")
