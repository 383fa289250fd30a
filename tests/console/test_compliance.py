"""What nothing can check is declared by hand: who did it, when, and on what grounds."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.serving import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
GROUNDS = "Agreement signed with the vendor on 3 March"


async def test_a_control_is_declared_by_hand(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "admin") as look:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await look.at("/admin/compliance")
        row = page.get_by_role("row").filter(has_text="Declare by hand").first
        title = await row.locator(".main").inner_text()
        row = page.get_by_role("row").filter(has=page.get_by_text(title, exact=True))
        await row.get_by_role("button", name="Declare").click()
        await dialog.get_by_label("On what grounds").fill(GROUNDS)
        assert await look.violations() == []
        await dialog.get_by_role("button", name="Declare").click()
        await expect(row).to_contain_text("Declared by admin-1")
        await expect(row).to_contain_text(GROUNDS)
        await expect(row.locator("time")).to_have_count(1)
        assert await look.violations() == []
        await look.at("/admin/watchers?show=audit")
        await expect(page.get_by_role("row").filter(has_text=GROUNDS)).to_contain_text("admin-1")
    async with looking(chromium, served, "supervisor") as look:
        await look.at("/admin/compliance")
        await expect(look.page.get_by_text(GROUNDS)).to_be_visible()
        await expect(look.page.get_by_role("button", name="Declare")).to_have_count(0)
