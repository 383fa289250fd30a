"""Calls on record: found, read, passed on, by keys alone too."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.async_api import expect

from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.serving import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_list_is_narrowed_and_its_address_holds_the_search(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "supervisor") as look:
        page = look.page
        await look.at("/admin/calls")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="More calls").click()
        await expect(rows).to_have_count(100)
        await page.get_by_label("Words that were said").fill("receipt")
        await expect(page).to_have_url(f"{served.url}/admin/calls?words=receipt")
        await look.settled()
        found = await rows.count()
        assert 0 < found < 50
        await page.get_by_role("button", name="Filters").click()
        await page.get_by_label("Interrupted, at least").fill("1")
        await expect(page).to_have_url(f"{served.url}/admin/calls?words=receipt&min_interruptions=1")
        await look.settled()
        assert await rows.count() < found
        await page.reload()
        await look.settled()
        await expect(page.get_by_label("Interrupted, at least")).to_have_value("1")
        assert await look.violations() == []
        await page.get_by_role("button", name="Clear").click()
        await expect(rows).to_have_count(50)
        await page.get_by_label("Words that were said").fill("nobody ever said this")
        await expect(page.get_by_text("No call fits")).to_be_visible()


async def test_a_call_is_opened_by_keys_and_read_turn_by_turn(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "supervisor") as look:
        page = look.page
        await look.at("/admin/calls?words=receipt")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#page")).to_be_focused()
        caller = page.locator("tbody a.main").first
        number = await caller.inner_text()
        for _ in range(8):
            await page.keyboard.press("Tab")
            if await caller.evaluate("link => link === document.activeElement"):
                break
        await page.keyboard.press("Enter")
        await look.settled()
        await expect(page.get_by_role("heading", name=number)).to_be_visible()
        turns = page.locator(".turns > .turn")
        # The greeting, and three questions with their answers.
        await expect(turns).to_have_count(4)
        await expect(turns.nth(1)).to_contain_text("the bell that you sold me is broken")
        await expect(turns.nth(1).locator(".stages")).to_contain_text("recognised")
        await expect(turns.nth(2)).to_contain_text("order_status")
        assert await turns.nth(1).locator(".bar .part").count() == 3
        await expect(page.get_by_role("table", name="Cost by vendor")).to_contain_text("deepgram")
        await page.get_by_role("region", name="Events").get_by_role("button", name="Show").click()
        await expect(page.get_by_role("table", name="Events")).to_contain_text("turn_ended")
        assert await look.violations() == []
        assert [each for each in look.complaints if "Content Security Policy" in each] == []


async def test_who_may_not_see_numbers_sees_their_ends_and_cannot_search_them(
    served: Served, chromium: Chromium
) -> None:
    async with looking(chromium, served, "viewer") as look:
        page = look.page
        await look.at("/admin/calls")
        assert (await page.locator("tbody a.main").first.inner_text()).startswith("***")
        await page.get_by_role("button", name="Filters").click()
        await expect(page.get_by_label("Agent")).to_be_visible()
        await expect(page.get_by_label("Number, or its end")).to_have_count(0)


async def test_what_was_found_is_a_file(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "supervisor", accept_downloads=True) as look:
        await look.at("/admin/calls?words=receipt")
        found = await look.page.locator("tbody tr").count()
        async with look.page.expect_download() as waiting:
            await look.page.get_by_role("link", name="CSV").click()
        download = await waiting.value
        rows = list(csv.DictReader(io.StringIO((await download.path()).read_text())))
        assert len(rows) == found
        assert {row["agent"] for row in rows} <= {"frontdesk", "support"}


async def test_figures_stand_in_charts_and_in_the_tables_behind_them(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "viewer") as look:
        page = look.page
        await look.at("/admin/statistics")
        await expect(page.get_by_role("img", name="Calls by day")).to_be_visible()
        await page.get_by_role("button", name="Calls by day: as a table").click()
        days = page.get_by_role("region", name="Calls by day", exact=True).get_by_role("table")
        assert await days.locator("tbody tr").count() >= 1
        assert await look.violations() == []
        await page.get_by_role("button", name="Agent", exact=True).click()
        await look.settled()
        await expect(page.get_by_role("img", name="Calls by agent")).to_be_visible()
        await expect(page).to_have_url(re.compile("by=agent"))
