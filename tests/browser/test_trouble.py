"""When something is missing or breaks, the page says what it is and what to do."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest

from parley.v1 import conversation_pb2
from tests.browser.chromium import DEVICE_RATE, Chromium, visiting, write_wav
from tests.gateway.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def silence(sounds: Path) -> Path:
    return write_wav(sounds / "silence.wav", np.zeros(DEVICE_RATE, np.int16), DEVICE_RATE)


async def test_the_page_says_who_answers_and_what_it_can_do(house: House, chromium: Chromium) -> None:
    async with visiting(chromium, house.url) as visit:
        page = visit.page
        await visit.status("Press to call")
        await page.get_by_role("heading", name="Bellweather Bikes").wait_for()
        assert await page.title() == "Bellweather Bikes · Parley"
        assert await page.locator(".example").all_text_contents() == [
            "Where is my order one two three four?",
            "When are you open on Saturday?",
        ]
        honest = await page.locator("#honest").text_content()
        assert honest is not None
        assert "ears, mind and voice" in honest
        assert "DEEPGRAM_API_KEY" in honest
        brand = await page.evaluate("() => document.documentElement.style.getPropertyValue('--brand')")
        assert brand == "#1f6f5c"
        assert visit.complaints == []


async def test_an_edit_that_is_not_taken_is_told_when_the_page_is_loaded(house: House, chromium: Chromium) -> None:
    house.mind.problem = "agents/frontdesk/agent.yaml: langage: there is no such field, did you mean language? (line 4)"
    async with visiting(chromium, house.url) as visit:
        alert = visit.page.get_by_role("alert").filter(has_text="An edit is not taken, the last good version answers.")
        await alert.filter(has_text="did you mean language? (line 4)").wait_for()
        await visit.status("Press to call")
        house.mind.problem = ""
        await visit.page.reload()
        await visit.status("Press to call")
        await alert.wait_for(state="hidden")


async def test_the_page_may_load_nothing_from_elsewhere(house: House) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(house.url)
        script = await client.get(f"{house.url}/page.js")
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "http" not in response.text
    assert script.headers["content-type"].startswith("text/javascript")


async def test_without_a_microphone_the_page_says_so_and_typing_works(house: House, chromium: Chromium) -> None:
    async with visiting(chromium, house.url, allowed=False) as visit:
        await visit.call()
        await visit.page.get_by_role("alert").filter(has_text="The microphone is blocked. Allow it").wait_for()
        await visit.status("No call")
        await visit.page.get_by_role("button", name="When are you open on Saturday?").click()
        owner = await house.mind.call()
        assert owner.open.channel == conversation_pb2.CHANNEL_CHAT
        assert (await owner.next("typed")).typed.text == "When are you open on Saturday?"
        owner.say(1, "From nine ", turn=1, complete=False)
        owner.say(1, "to five.", turn=1)
        await visit.status("Your turn")
        assert await visit.entries() == [
            ("caller", "When are you open on Saturday?", ""),
            ("agent", "From nine to five.", ""),
        ]
        assert visit.sockets.frames() == []
        await visit.hang_up()
        await visit.status("You hung up.")
        assert visit.complaints == []


async def test_a_lost_connection_comes_back_to_the_same_call(house: House, chromium: Chromium, silence: Path) -> None:
    async with visiting(chromium, house.url, microphone=silence) as visit:
        await visit.call()
        owner = await house.mind.call()
        await visit.status("Connected")
        owner.say(1, "Hello there")
        await owner.next("heard")
        for leg in list(house.gateway.house._legs):
            leg.move("this gateway is going away")
        again = await house.mind.call(2)
        assert again.open.call_id == owner.open.call_id
        assert again.open.epoch.leg == 2
        again.say(2, "I am back")
        await again.next("heard")
        await visit.status("Listening to you")
        assert await visit.entries() == [("agent", "Hello there", ""), ("agent", "I am back", "")]
        assert visit.sockets.opened == 2
        assert visit.sockets.controls("error", sent=False) == []


async def test_a_full_house_is_busy(house: House, chromium: Chromium, silence: Path) -> None:
    house.gateway.house.admission.draining = True
    async with visiting(chromium, house.url, microphone=silence) as visit:
        await visit.call()
        await visit.page.get_by_role("alert").filter(has_text="All lines are busy; try again in a moment.").wait_for()
        house.gateway.house.admission.draining = False
        await visit.call()
        await house.mind.call()
        await visit.status("Connected")
        assert await visit.page.get_by_role("alert").count() == 0, "the old trouble is not shown any more"


async def test_no_gateway_is_said(house: House, chromium: Chromium, silence: Path) -> None:
    async with visiting(chromium, house.url, microphone=silence) as visit:
        await visit.status("Press to call")
        await visit.page.locator(".example").first.wait_for()
        await visit.page.context.set_offline(True)
        await visit.call()
        await visit.page.get_by_role("alert").filter(has_text="The gateway cannot be reached").wait_for()
        await visit.status("No call")
