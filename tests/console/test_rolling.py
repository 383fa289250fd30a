"""An agent's versions: tried on a share of new calls, given all of them, and taken back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from playwright.async_api import expect
from typer.testing import CliRunner

from cli.agent import agent as command
from runner.stack import Stack
from testbed.patience import PATIENCE_S
from tests.browser.chromium import Chromium
from tests.console.looking import looking
from tests.console.running import enter
from tests.e2e.agents import PLAIN
from tests.e2e.page import page as caller

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="session")]
NAME = "rolled"


async def published(folder: Path, says: str) -> None:
    """As an operator types it at the machine."""
    made = folder / NAME
    made.mkdir(exist_ok=True)
    (made / "agent.yaml").write_text(yaml.safe_dump({**PLAIN, "greeting": f"Hello from {says}."}))
    (made / "wrapper.json").write_text(json.dumps({"name": says}))
    told = await asyncio.to_thread(CliRunner().invoke, command, ["publish", NAME, "--note", says])
    assert told.exit_code == 0, told.output


async def new_calls_hear(house: Stack, greeting: str) -> None:
    """A change reaches the gateways within two seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with caller(house.gateway_url, "chat", NAME) as bot:
                if await bot.answer() == greeting:
                    return


async def test_a_version_is_rolled_back_and_forward(
    house: Stack, chromium: Chromium, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in house.plan.operator.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PARLEY_AGENTS_DIR", str(tmp_path))
    await published(tmp_path, "first")
    await published(tmp_path, "second")
    async with looking(chromium, house.backoffice_url) as look:
        page, dialog = look.page, look.page.get_by_role("dialog")
        await enter(look, house)
        await look.at("/admin/agents")
        part = page.get_by_role("region", name=NAME, exact=True)
        one, two = (part.get_by_role("row").filter(has_text=says) for says in ("first", "second"))
        await expect(two).to_contain_text("All")
        await new_calls_hear(house, "Hello from second.")

        await one.get_by_role("button", name="Go back to it").click()
        await dialog.get_by_role("button", name="Yes, for new calls").click()
        await expect(one).to_contain_text("All")
        await new_calls_hear(house, "Hello from first.")

        await two.get_by_role("button", name="Try it").click()
        await dialog.get_by_label("Share of new calls").fill("25")
        await dialog.get_by_role("button", name="Try it").click()
        await expect(two).to_contain_text("25 %, on trial")
        await expect(one).to_contain_text("75 %")
        assert await look.violations() == []
        await part.get_by_role("button", name="Give the canary all calls").click()
        await dialog.get_by_role("button", name="Yes, for new calls").click()
        await expect(two).to_contain_text("All")
        await new_calls_hear(house, "Hello from second.")

        await look.at("/admin/watchers?show=audit")
        for kind in ("agent.rolled_back", "agent.canary", "agent.promoted"):
            await expect(page.get_by_role("row").filter(has_text=kind).first).to_contain_text(NAME)
