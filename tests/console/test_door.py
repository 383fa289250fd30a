"""Logging in and out, and what an account may."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest
from playwright.async_api import expect

from testbed.servers.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.serving import Served, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "seven bridges over one river"


async def test_by_name_and_password_to_the_page_that_was_asked_for(served: Served, chromium: Chromium) -> None:
    await served.parts.access.accounts.add("ada", "supervisor", PASSWORD)
    async with looking(chromium, served) as look:
        page = look.page
        await page.goto(served.url + "/admin/accounts")
        await page.get_by_label("Name").fill("ada")
        await page.keyboard.press("Tab")
        await page.keyboard.type("wrong words")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").filter(has_text="do not fit")).to_be_visible()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await look.settled()
        await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
        assert "It takes the role admin" in await look.text()
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_role("heading", name="Log in").wait_for()
        await page.reload()
        await page.get_by_role("heading", name="Log in").wait_for()


async def test_a_session_that_ends_leads_to_the_door_and_back(served: Served, chromium: Chromium) -> None:
    await served.parts.access.accounts.add("grace", "admin", PASSWORD)
    async with looking(chromium, served) as look:
        page = look.page
        await page.goto(served.url + "/admin/accounts")
        await page.get_by_label("Name").fill("grace")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await look.settled()
        await page.context.clear_cookies()
        await page.get_by_role("link", name="Accounts").click()
        await page.get_by_role("heading", name="Log in").wait_for()


async def test_whom_the_provider_or_parley_refuses_reads_why_on_the_login_page(
    tmp_path: Path, chromium: Chromium
) -> None:
    async with IdentityProvider() as provider:
        provider.people = {"ada": {"roles": ["admin"]}, "bob": {}}
        settings = {
            "PARLEY_OIDC_ISSUER": provider.issuer,
            "PARLEY_OIDC_CLIENT_ID": CLIENT,
            "PARLEY_OIDC_CLIENT_SECRET": SECRET,
            "PARLEY_NATS_URL": "nats://127.0.0.1:1",
        }
        async with serving(tmp_path, **settings) as served, looking(chromium, served) as look:
            page = look.page
            await page.goto(served.url + "/admin/accounts")
            for who, told in (
                ("", "The provider says: access_denied. Log in again, or ask whoever runs the provider."),
                ("bob", "Bob has no role here. Ask an admin: PARLEY_OIDC_ROLES says which the provider's stand for."),
            ):
                provider.at_the_desk = who
                await page.get_by_role("link", name="Log in with single sign-on").click()
                await expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
                assert await look.violations() == []
            await page.goto(served.url + "/api/session/oidc/back?state=x&code=y")
            await expect(page.get_by_role("alert").filter(has_text="Log in again.")).to_be_visible()
            provider.at_the_desk = "ada"
            await page.get_by_role("link", name="Log in with single sign-on").click()
            await look.settled()


async def test_an_authenticator_is_turned_on_by_its_picture_or_its_key(served: Served, chromium: Chromium) -> None:
    await served.parts.access.accounts.add("joan", "viewer", PASSWORD)
    async with looking(chromium, served) as look:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await page.goto(served.url + "/admin/accounts")
        await page.get_by_label("Name").fill("joan")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await look.settled()
        await page.get_by_role("button", name="Authenticator on").click()
        picture = dialog.get_by_role("img", name="The key as a QR code")
        assert await picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 100
        assert await look.violations() == []
        key = (await dialog.locator("code").inner_text()).replace(" ", "")
        await dialog.get_by_label("The code that it shows").fill(pyotp.TOTP(key).now())
        await dialog.get_by_role("button", name="Turn on").click()
        await expect(page.get_by_role("button", name="Authenticator off")).to_be_visible()
        assert [each for each in look.complaints if "Content Security Policy" in each] == []


async def test_a_person_and_a_key_are_made_and_taken_away(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "admin") as look:
        page = look.page
        await look.at("/admin/accounts")
        await page.get_by_role("button", name="Add a person").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("edith")
        await dialog.get_by_role("button", name="Add").click()
        shown = page.get_by_role("dialog", name="The password of edith")
        assert len(await shown.locator("code").inner_text()) >= 12
        await shown.get_by_role("button", name="Done").click()
        row = page.get_by_role("row").filter(has_text="edith")
        await expect(row).to_contain_text("viewer")
        await row.get_by_role("button", name="Change edith").click()
        await dialog.get_by_label("Role").select_option("supervisor")
        await dialog.get_by_role("button", name="Change").click()
        await expect(row).to_contain_text("supervisor")

        await page.get_by_role("button", name="Make a key").click()
        await dialog.get_by_label("Name").fill("Reporting")
        await dialog.get_by_role("button", name="Make").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await dialog.get_by_label("read calls").check()
        await dialog.get_by_role("button", name="Make").click()
        once = page.get_by_role("dialog", name="The key")
        assert (await once.locator("code").inner_text()).startswith("parley_")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Revoke Reporting").click()
        await dialog.get_by_role("button", name="Revoke").click()
        await page.get_by_role("button", name="Remove edith").click()
        await dialog.get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)


async def test_the_list_of_pages_is_a_button_away_on_a_telephone(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "viewer", (360, 740)) as look:
        page = look.page
        await look.at("/admin/accounts")
        link = page.get_by_role("link", name="Statistics")
        await expect(link).to_be_hidden()
        await page.get_by_role("button", name="Menu").click()
        await expect(link).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(link).to_be_hidden()
        await expect(page.get_by_role("button", name="Menu")).to_be_focused()
        await page.keyboard.press("Enter")
        await link.click()
        await expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
        await expect(link).to_be_hidden()
        await expect(page.locator("#page")).to_be_focused()
