"""Every page, as it is for everybody: by axe-core, at 360 px, in dark, and without the right."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Chromium
from tests.console.looking import PAGES, PHONE, WIDE, looking
from tests.console.serving import Served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide", "telephone, dark"])
async def test_nothing_keeps_people_from_using_it(
    served: Served, chromium: Chromium, size: tuple[int, int], scheme: str
) -> None:
    await served.parts.audit.note("ada", "webhook.added", "hook_1", {"url": f"https://crm.example.com/{'a' * 200}"})
    async with looking(chromium, served, "admin", size, color_scheme=scheme) as look:
        for path in PAGES:
            await look.at(path)
            assert await look.violations() == [], path
            assert await look.sideways() <= 0, path
        refused = [each for each in look.complaints if "Content Security Policy" in each]
        assert refused == []


async def test_the_door_is_for_everybody_too(served: Served, chromium: Chromium) -> None:
    async with looking(chromium, served, size=PHONE) as look:
        await look.page.goto(served.url + "/admin/calls")
        await look.page.get_by_role("heading", name="Log in").wait_for()
        assert await look.violations() == []
        assert await look.sideways() <= 0
