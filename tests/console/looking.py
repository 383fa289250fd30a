"""Somebody at the console: what they look at, and what keeps others from using it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Page, expect

from testbed.patience import PATIENCE_S
from tests.browser.chromium import Chromium
from tests.console.serving import Served

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PAGES = (
    "/admin",
    "/admin/calls",
    "/admin/statistics",
    "/admin/agents",
    "/admin/numbers",
    "/admin/engines",
    "/admin/test",
    "/admin/configuration",
    "/admin/watchers",
    "/admin/watchers?show=webhooks",
    "/admin/watchers?show=audit",
    "/admin/compliance",
    "/tracker",
    "/admin/accounts",
)
expect.set_options(timeout=PATIENCE_S * 1000)
WIDE, PHONE = (1360, 860), (360, 740)


@dataclass
class Look:
    """A browser at the console, and all it complained of."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def at(self, path: str) -> None:
        """Go there, and wait until the page stands."""
        await self.page.goto(self.url + path)
        await self.settled()

    async def settled(self) -> None:
        """The page is there, and nothing in it is still being asked for."""
        await self.page.locator(".place[data-opened]").wait_for()
        await self.page.wait_for_function("() => !document.querySelector('#page [aria-busy], #page .loading')")

    async def violations(self) -> list[str]:
        """What axe-core finds, with the elements."""
        found: dict[str, Any] = await self.page.evaluate(f"{AXE}; axe.run()")
        return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]

    async def sideways(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    async def text(self) -> str:
        return await self.page.locator("#page").inner_text()


@asynccontextmanager
async def looking(
    chromium: Chromium, console: Served | str, role: str = "", size: tuple[int, int] = WIDE, **context: Any
) -> AsyncIterator[Look]:
    """`console`: or its address. `role`: of who is logged in; empty: nobody is."""
    browser = await chromium.with_flags()
    url = console if isinstance(console, str) else console.url
    state: dict[str, Any] = {"storage_state": console.state(role)} if role and isinstance(console, Served) else {}
    visitor = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", locale="en-GB", **state, **context
    )
    try:
        page = await visitor.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        look = Look(page, url)
        page.on("pageerror", lambda error: look.complaints.append(str(error)))
        page.on("console", lambda message: look.complaints.append(message.text) if message.type == "error" else None)
        yield look
    finally:
        await visitor.close()
