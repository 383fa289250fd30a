"""Operators at a house that runs: a call that is up, what they do to it, and its record."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from runner.stack import Stack
from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.running import link
from tests.e2e.page import page as caller

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="session")]


async def test_a_call_is_seen_as_it_goes_on_and_stands_on_record_after_it(house: Stack, chromium: Chromium) -> None:
    async with looking(chromium, house.backoffice_url) as look, caller(house.gateway_url, "chat", "frontdesk") as bot:
        page = look.page
        await page.goto(link(house))
        await look.settled()
        row = page.get_by_role("row").filter(has_text="frontdesk")
        await expect(row).to_be_visible()
        await row.get_by_role("link").press("Enter")
        await look.settled()
        await bot.answer()
        await bot.send(type="text", text="when are you open on saturday")
        await bot.answer()
        log = page.get_by_role("log", name="What is said")
        await expect(log).to_contain_text("when are you open on saturday")
        await expect(log.locator(".entry.agent").last).to_contain_text("Saturday")
        assert await look.violations() == []

        await page.get_by_label("A note to the agent").fill("Offer ten percent")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").filter(has_text="has your note")).to_be_visible()
        await page.get_by_role("button", name="Hang up").click()
        await page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
        await bot.until(type="ended")
        await page.get_by_role("link", name="See its record").click()
        await look.settled()
        turns = page.get_by_role("region", name="Turn by turn")
        await expect(turns).to_contain_text("when are you open on saturday")
        await expect(page.get_by_role("region", name="About")).to_contain_text("frontdesk")
        await page.get_by_role("button", name="Replay").click()
        await expect(page.get_by_role("region", name="Replay")).to_contain_text("The same")
        await page.get_by_role("region", name="Events").get_by_role("button", name="Show").click()
        await expect(page.get_by_role("table", name="Events")).to_contain_text("typed")
        assert await look.violations() == []
        assert [each for each in look.complaints if "Content Security Policy" in each] == []
