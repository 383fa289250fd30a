"""What supervisors do to a call that is up: it is given to another telephone, or to theirs, and that is on record."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from runner.stack import Stack
from tests.browser.chromium import Chromium
from tests.console.looking import Look, looking
from tests.console.running import enter
from tests.e2e.page import page as caller

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="session")]
COLLEAGUE, OWN = "+15550100198", "+15550100199"
PASSWORD = "seven bridges over one river"


async def test_a_call_is_transferred_to_a_colleague(house: Stack, chromium: Chromium) -> None:
    async with looking(chromium, house.backoffice_url) as look, caller(house.gateway_url, "chat", "frontdesk") as bot:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await enter(look, house)
        await bot.answer()
        await look.at(f"/admin/live/{bot.call_id}")
        await page.get_by_role("button", name="Transfer").click()
        await dialog.get_by_label("To number").fill("911")
        await dialog.get_by_role("button", name="Transfer").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        assert await look.violations() == []
        await dialog.get_by_label("To number").fill(COLLEAGUE)
        await dialog.get_by_role("button", name="Transfer").click()
        await bot.until(type="transfer", to=COLLEAGUE)
        await expect(page.get_by_role("status").filter(has_text=f"hand over to {COLLEAGUE}")).to_be_visible()
        await audited(look, bot.call_id, "call.transfer", "operator", COLLEAGUE)


async def test_a_call_is_taken_over_by_whoever_has_a_number(house: Stack, chromium: Chromium) -> None:
    """Whose account is then removed: the page that still follows the call is over, too."""
    async with looking(chromium, house.backoffice_url) as look, caller(house.gateway_url, "chat", "frontdesk") as bot:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await enter(look, house)
        await look.at("/admin/accounts")
        await page.get_by_role("button", name="Add a person").click()
        await dialog.get_by_label("Name").fill("ada")
        await dialog.get_by_label("Role").select_option("supervisor")
        await dialog.get_by_label("Password").fill(PASSWORD)
        await dialog.get_by_role("button", name="Add").click()
        await page.get_by_role("button", name="Change ada").click()
        await dialog.get_by_label("Takes calls over to").fill(OWN)
        await dialog.get_by_role("button", name="Change").click()
        await expect(page.get_by_role("row").filter(has_text="ada")).to_contain_text(OWN)

        await page.get_by_role("button", name="Log out").click()
        await page.get_by_label("Name").fill("ada")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await look.settled()
        await bot.answer()
        await look.at(f"/admin/live/{bot.call_id}")
        await page.get_by_role("button", name="Take over").click()
        await expect(dialog.get_by_label("Your number")).to_have_value(OWN)
        await dialog.get_by_role("button", name="Take over").click()
        await bot.until(type="transfer", to=OWN)
        await expect(dialog).to_have_count(0)

        async with looking(chromium, house.backoffice_url) as other:
            await enter(other, house)
            await audited(other, bot.call_id, "call.take_over", "ada", OWN)
            await other.at("/admin/accounts")
            await other.page.get_by_role("button", name="Remove ada").click()
            await other.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def audited(look: Look, call_id: str, kind: str, who: str, to: str) -> None:
    await look.at("/admin/watchers?show=audit")
    row = look.page.get_by_role("row").filter(has_text=kind).filter(has_text=call_id)
    await expect(row).to_contain_text(who)
    await expect(row).to_contain_text(f"to: {to}")
