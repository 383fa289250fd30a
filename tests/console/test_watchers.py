"""What watchers and webhooks gave up on: seen, tried again, thrown away."""

from __future__ import annotations

import asyncio
import time

import pytest
from playwright.async_api import expect

from parley.bus.streams.dead_letters import DeadLetters, Letter
from runner.stack import Stack
from testbed.patience import PATIENCE_S
from testbed.recorded_calls import RecordedCall
from tests.backoffice.receiver import receiving
from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.running import bus_of, enter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="session")]


async def test_a_webhook_is_added_and_what_it_refused_is_sent_again(house: Stack, chromium: Chromium) -> None:
    async with receiving("410 Gone") as receiver, looking(chromium, house.backoffice_url) as look:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await enter(look, house)
        await look.at("/admin/watchers?show=webhooks")
        await page.get_by_role("button", name="Add a webhook").click()
        await dialog.get_by_label("Address").fill("ftp://127.0.0.1/")
        await dialog.get_by_role("button", name="Add").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await dialog.get_by_label("Address").fill(receiver.url)
        await dialog.get_by_label("call.ended").check()
        await dialog.get_by_label("Note").fill("the CRM")
        await dialog.get_by_role("button", name="Add").click()
        secret = page.get_by_role("dialog", name="The secret")
        words = await secret.locator("code").inner_text()
        await secret.get_by_role("button", name="Done").click()
        row = page.get_by_role("row").filter(has_text=receiver.url)
        await expect(row).to_contain_text("call.ended")
        await expect(row).to_contain_text("On")
        await expect(row.locator("time")).to_have_count(1)
        assert await look.violations() == []

        await row.get_by_role("button", name="Ping").click()
        (ping,) = await receiver.until(1)
        assert ping.is_signed_with(words)
        await page.get_by_role("button", name="Dead letters").click()
        letter = page.get_by_role("row").filter(has_text="ping")
        await expect(letter).to_contain_text("answered 410")
        assert await look.violations() == []
        await page.get_by_role("button", name="Webhooks").click()
        await expect(row).to_contain_text("Paused")
        await row.get_by_role("button", name="Resume").click()
        await expect(row).to_contain_text("On")
        await page.get_by_role("button", name="Dead letters").click()
        await letter.get_by_role("button", name="Try again").click()
        again = (await receiver.until(2))[1]
        assert again.headers["webhook-id"] == ping.headers["webhook-id"]
        await expect(letter).to_have_count(0)

        await page.get_by_role("button", name="Webhooks").click()
        await row.get_by_role("button", name="Remove").click()
        await dialog.get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)


async def test_a_dead_letter_of_a_watcher_is_tried_again_or_dropped(house: Stack, chromium: Chromium) -> None:
    call = RecordedCall("CAdead", agent="frontdesk")
    call.opens().says("Hello.").caller("where is my order").boundary()
    record = call.records[-1]
    async with bus_of(house, "backoffice") as bus:
        for n, watcher in enumerate(("audit", "outcomes")):
            found = Letter(watcher, f"CAdead/1.1/{n}", "CAdead", ("turn",), "ValueError: no such day", 5,
                           int(time.time() * 1000), record.SerializeToString())  # fmt: skip
            await DeadLetters(bus).put(found, f"tests/{n}")
    async with looking(chromium, house.backoffice_url) as look:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await enter(look, house)
        await look.at("/admin/watchers")
        first, second = (page.get_by_role("row").filter(has_text=name) for name in ("audit", "outcomes"))
        await expect(first).to_contain_text("ValueError: no such day")
        await expect(first).to_contain_text("5 tries")
        assert await look.violations() == []
        await first.get_by_role("button", name="Try again").click()
        await expect(first).to_have_count(0)
        await second.get_by_role("button", name="Drop").click()
        await dialog.get_by_role("button", name="Drop").click()
        await expect(second).to_have_count(0)
        told = page.get_by_role("row").filter(has_text="CAdead").filter(has_text="where is my order")
        async with asyncio.timeout(PATIENCE_S):
            await look.at("/admin/watchers?show=audit")
            while not await told.count():
                await look.at("/admin/watchers?show=audit")
        await expect(told).to_contain_text("turn")
