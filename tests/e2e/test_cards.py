"""What a tool shows, through real processes: from tools.py to the page, and again to a page that was away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import pytest

from testbed.house import House, answer, ask
from tests.e2e.page import Page, page, resumed
from tests.e2e.test_kills import holder

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]

LAST = [("checks", 100), ("result", {"Noise": "none"})]


async def shown(visitor: Page) -> list[tuple[str, Any]]:
    """The cards up to the result, with the percents of the bar."""
    told: list[tuple[str, Any]] = []
    while not told or told[-1][0] != "result":
        message = await visitor.until(type="show")
        value = json.loads(message["json"])
        told.append((message["name"], value["percent"] if message["name"] == "checks" else value))
    return told


async def test_a_page_sees_the_work_and_after_a_break_how_it_stands(house: House) -> None:
    async with page(house.stack.gateway_url, "chat", "line") as visitor:
        ready = visitor.ready
        await visitor.answer()
        await visitor.send(type="text", text="please check my line")
        told = await shown(visitor)
        percents = [value for name, value in told if name == "checks"]
        assert percents == sorted(percents)
        assert percents[0] < 100, "while the tool works"
        assert told[-2:] == LAST
        assert await visitor.answer() == "Your line is well."
        await visitor.break_off()
        async with resumed(house.stack.gateway_url, ready["resume"]) as again:
            assert await shown(again) == LAST


@pytest.mark.soak
async def test_a_mind_that_dies_in_the_middle_leaves_no_card_half_filled(house: House) -> None:
    async with page(house.stack.gateway_url, "chat", "line") as visitor:
        await visitor.answer()
        await visitor.send(type="text", text="please check my line")
        await visitor.until(type="show")
        name = await holder(house, "orchestrator")
        pid = house.stack.all_pids()[name]
        os.kill(pid, signal.SIGKILL)
        assert (await shown(visitor))[-2:] == LAST
        assert await visitor.answer() == "Your line is well."
    await house.stack.restarted(name, pid)


@pytest.mark.soak
async def test_on_the_telephone_the_same_tool_shows_nothing_and_works(house: House) -> None:
    async with house.phone("line").dial() as call:
        await answer(call, call.born)
        assert await ask(call, "please check my line") == "your line is well"


async def test_the_page_is_told_what_cards_there_are(house: House) -> None:
    async with asyncio.timeout(30), page(house.stack.gateway_url, "chat", "line") as visitor:
        assert [card["name"] for card in visitor.session["wrapper"]["cards"]] == ["checks", "result"]
