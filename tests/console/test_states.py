"""What stands in the place of an answer: that it failed, that there is none, that it is not for whoever looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.serving import Served, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_service_that_is_away_is_asked_again(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, "admin") as look:
        page = look.page
        await page.route("**/api/call-logs?*", lambda route: route.abort())
        await look.at("/admin/calls")
        await expect(page.get_by_role("alert").filter(has_text="The service does not answer")).to_be_visible()
        assert "Calls go on without it." in await look.text()
        assert await look.violations() == []
        await page.unroute("**/api/call-logs?*")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("table", name="Calls, newest first")).to_be_visible()


async def test_what_the_service_says_is_told_with_its_remedy(served: Served, chromium: Chromium) -> None:
    async def busy(route: Route) -> None:
        body = {"title": "It cannot be done at this moment", "detail": "the disk is full", "remedy": "make room"}
        await route.fulfill(status=503, json={**body, "status": 503}, content_type="application/problem+json")

    async with looking(chromium, served, "admin") as look:
        await look.page.route("**/api/stats?*", busy)
        await look.at("/admin/statistics")
        text = await look.text()
        assert "It cannot be done at this moment" in text
        assert "The disk is full." in text
        assert "Make room." in text


@pytest.mark.parametrize(("path", "role"), [("/admin/watchers", "supervisor"), ("/admin/test", "supervisor")])
async def test_who_may_not_is_told_which_role_it_takes(
    served: Served, chromium: Chromium, path: str, role: str
) -> None:
    async with looking(chromium, served, "viewer") as look:
        await look.at(path)
        assert "Your account may not see this" in await look.text()
        assert f"It takes the role {role}." in await look.text()
        assert await look.violations() == []


async def test_where_nothing_is_yet_it_says_how_something_comes(tmp_path: Path, chromium: Chromium) -> None:
    async with (
        serving(tmp_path, PARLEY_NATS_URL="nats://127.0.0.1:1") as empty,
        looking(chromium, empty, "viewer") as look,
    ):
        await look.at("/admin/calls")
        assert "No call yet" in await look.text()
        await look.at("/admin/statistics")
        assert "No call in this time" in await look.text()
        await look.at("/admin/nowhere")
        assert "There is no such page" in await look.text()
